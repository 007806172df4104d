import type { CatalogEntry } from '@bailiwick/contracts/policy/catalog-entry';
import { PERMIT, PlainWorld } from '../plain/testing/plain-world';

const entry = (api: string, route: string, verb: string, more: Partial<CatalogEntry> = {}): CatalogEntry => ({
  tools: [`http__${api}__${route}`],
  verb,
  effects: ['write'],
  risk: 'low',
  ...more,
});
const catalogOf = (api: string): CatalogEntry[] => [
  entry(api, 'GET /customers/:id', `${api}.read`, { resource: { type: 'customer', id: '{/path/id}' } }),
  entry(api, 'POST /payments', `${api}.pay`, { resource: { type: 'account', id: '{/body/to}' } }),
  entry(api, 'POST /notes', `${api}.note`),
  entry(api, 'POST /messages', `${api}.message`, { attributes: { reached: { addresses: 'all' } } }),
];

describe('Authorizations', () => {
  let world: PlainWorld;
  beforeAll(async () => {
    world = await new PlainWorld([...catalogOf('crm'), ...catalogOf('seen')]).start((upstream) => ({
      apis: { crm: { upstream: { url: upstream } }, seen: { upstream: { url: upstream }, authorizedBody: 'sent' } },
    }));
  });
  afterAll(() => world.stop());
  beforeEach(() => world.forget());

  const json = { 'content-type': 'application/json' };
  /** Asks as the HTTP service of ext_authz does: the request itself, below a prefix. */
  const envoy = (method: string, path: string, headers: Record<string, string> = {}, body?: string, api = 'crm') =>
    world.send(method, `/authz/envoy/${api}${path}`, { host: 'crm.example', ...headers }, body);
  /** Asks as auth_request does: a GET without a body, and the request in headers. */
  const nginx = (method: string, uri: string, headers: Record<string, string> = {}) =>
    world.send('GET', '/authz/nginx/crm', {
      host: 'crm.example',
      'x-original-method': method,
      'x-original-uri': uri,
      ...headers,
    });

  it('permits a request that Envoy asks about, has it remove the token, and reports that it was passed on', async () => {
    const { status, headers, text } = await envoy('GET', '/customers/7?full=1');
    expect([status, text, headers['x-envoy-auth-headers-to-remove']]).toEqual([200, '', 'authorization']);
    expect(world.asked[0]).toMatchObject({
      action: { verb: 'crm.read', tool: 'http__crm__GET /customers/:id', argsDigest: expect.any(String) },
      resource: { type: 'customer', id: '7' },
    });
    expect(world.received).toEqual([]);
    expect(await world.outcomes()).toEqual([{ status: 'completed' }]);
  });

  it('permits the same request for NGINX', async () => {
    expect((await nginx('GET', '/customers/7?full=1')).status).toBe(200);
    const [one] = world.asked;
    await envoy('GET', '/customers/7?full=1');
    expect(world.asked[1]?.action).toEqual(one?.action);
  });

  it.each<[string, () => ReturnType<typeof nginx>]>([
    ['an unknown route', () => nginx('GET', '/orders')],
    ['another method', () => nginx('DELETE', '/customers/7')],
    ['a dot segment', () => nginx('GET', '/customers/../admin')],
    ['an encoded slash', () => nginx('GET', '/customers/a%2Fb')],
    ['an API that is not registered', () => world.send('GET', '/authz/envoy/none/customers/7')],
    ['headers that state no request', () => world.send('GET', '/authz/nginx/crm')],
    ['a second method in a header', () => nginx('GET', '/customers/7', { 'x-http-method-override': 'DELETE' })],
    ['a partial body', () => envoy('POST', '/notes', { ...json, 'x-envoy-auth-partial-body': 'true' }, '{}', 'seen')],
  ])('answers 403, or 400 before it reads the request, to %s', async (_what, ask) => {
    const { status, headers } = await ask();
    expect([[400, 403].includes(status), headers['content-type'], world.asked]).toEqual([
      true,
      'application/problem+json',
      [],
    ]);
  });

  it('answers 401 without a token', async () => {
    const answer = await nginx('GET', '/customers/7', { authorization: '' });
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer, DPoP']);
  });

  it('denies a call whose decision needs the body, which the proxy does not send', async () => {
    const routes = ['/payments', '/messages'];
    const answers = routes.flatMap((each) => [nginx('POST', each, json), envoy('POST', each, json)]);
    for (const { status, body } of await Promise.all(answers))
      expect([status, body.code, body.detail]).toEqual([403, 'DENIED', expect.stringContaining('from the body')]);
    expect(world.asked).toEqual([]);
  });

  it('lets no approval count for a body that it has not seen', async () => {
    const approvalId = `apr_0_${'0'.repeat(26)}`;
    world.decide = () => ({ ok: true, value: { ...PERMIT, decision: 'step-up', approvalId } });
    const answer = await nginx('POST', '/notes', { 'bailiwick-approval': approvalId });
    expect([answer.status, answer.body.code, answer.body.approvalId]).toEqual([403, 'DENIED', undefined]);
    expect([world.asked[0]?.approvalId, world.asked[0]?.action.argsDigest]).toEqual([undefined, undefined]);
  });

  it('decides on the body that Envoy sends, if it is configured to', async () => {
    expect((await envoy('POST', '/payments', json, '{"to":"shop-7"}', 'seen')).status).toBe(200);
    expect(world.asked[0]?.resource).toEqual({ type: 'account', id: 'shop-7' });
    expect((await envoy('POST', '/payments', json, '{"to":"a","to":"b"}', 'seen')).status).toBe(403);
  });

  it('denies a permit that obliges to change the result, which it does not see', async () => {
    const obligations = ['report-outcome', { kind: 'remove_fields', fields: ['/email'] }];
    world.decide = () => ({ ok: true, value: { ...PERMIT, obligations } });
    expect((await envoy('GET', '/customers/7')).status).toBe(403);
    expect(await world.outcomes()).toEqual([{ status: 'failed' }]);
  });
});
