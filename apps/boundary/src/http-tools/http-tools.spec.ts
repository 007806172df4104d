import type { CatalogEntry } from '@bailiwick/contracts/policy/catalog-entry';
import { canonicalDigest } from '@bailiwick/core/digest';
import { valueDigests } from '@bailiwick/core/value-digests';
import { Refused } from '@bailiwick/edge/refused';
import { ACTION, PERMIT, PlainWorld } from '../plain/testing/plain-world';

const entry = (route: string, verb: string, more: Partial<CatalogEntry> = {}): CatalogEntry => ({
  tools: [`http__crm__${route}`],
  verb,
  effects: ['read'],
  risk: 'low',
  ...more,
});
const CATALOG = [
  entry('GET /customers/:id', 'crm.read', { resource: { type: 'customer', id: '{/path/id}' } }),
  entry('GET /customers/me', 'crm.self'),
  entry('GET /files/:path+', 'crm.file', { resource: { type: 'file', id: '{/path/path}' } }),
  entry('POST /payments', 'crm.pay', {
    effects: ['external'],
    resource: { type: 'account', id: '{/body/to}' },
    attributes: { express: '/query/express' },
    cost: { USD: '/body/amount' },
  }),
  entry('PUT /notes/:id', 'crm.note', { effects: ['write'] }),
  entry('GET *', 'crm.anything'),
];

describe('HttpTools', () => {
  let world: PlainWorld;
  beforeAll(async () => {
    world = await new PlainWorld(CATALOG).start((upstream) => ({
      apis: {
        crm: {
          upstream: { url: `${upstream}/v2` },
          credentials: { headers: { authorization: 'Bearer of-upstream' } },
          headers: ['X-Team'],
        },
        private: { tenant: 'other', upstream: { url: upstream } },
      },
    }));
  });
  afterAll(() => world.stop());
  beforeEach(() => world.forget());

  const json = { 'content-type': 'application/json' };
  const pay = (body: string, headers: Record<string, string> = {}, query = '') =>
    world.send('POST', `/http/crm/payments${query}`, { ...json, ...headers }, body);
  const denying = () => ({ ok: true as const, value: { ...PERMIT, decision: 'deny' } });

  it('states digests of the values that a call sends and gets, and nothing of a body that it cannot read', async () => {
    const stated = (): (readonly string[] | undefined)[] =>
      world.commands.map((each) => (each as { values?: string[] }).values);
    world.upstream = (_request, response) =>
      response.setHeader('content-type', 'application/json').end('{"iban":"DE89370400440532013000"}');
    await pay('{"to":"account-7","amount":4900}');
    await world.outcomes();
    expect(stated()).toEqual([
      expect.arrayContaining(valueDigests(['account-7'])),
      valueDigests(['DE89370400440532013000']),
    ]);
    const note = async (type: string, body: string | undefined): Promise<unknown> => {
      world.forget();
      await world.send('PUT', '/http/crm/notes/1', { 'content-type': type }, body);
      await world.outcomes();
      return stated()[0];
    };
    expect(await note('text/plain', 'first line\nsecond line')).toEqual(
      expect.arrayContaining(valueDigests(['first line', 'second line'])),
    );
    expect(await note('application/octet-stream', 'first line')).toBeUndefined();
    world.forget();
    world.upstream = (_request, response) => response.setHeader('content-type', 'image/png').end('binary');
    await world.send('GET', '/http/crm/customers/1');
    await world.outcomes();
    expect(stated()).toEqual([expect.any(Array), undefined]);
  });

  it('decides on the whole request, and passes it on with the credentials of the API, never the token', async () => {
    const answer = await pay(
      '{"to":"shop-7","amount":4900}',
      { 'x-team': 'a', cookie: 'session=1', 'x-other': 'b' },
      '?express=1',
    );
    expect([answer.status, answer.text, answer.headers['bailiwick-action']]).toEqual([200, '{"ok":true}', ACTION]);
    const [asked] = world.asked;
    expect(asked).toMatchObject({
      actor: { kind: 'service', id: 'boundary' },
      action: { verb: 'crm.pay', tool: 'http__crm__POST /payments' },
      resource: { type: 'account', id: 'shop-7' },
      derived: { policy: 1, attributes: { express: '1' }, cost: { USD: 4900 } },
      understands: ['remove_fields', 'redact'],
      proof: { vouched: true },
    });
    const { body, bodyDigest, ...args } = asked?.payload?.value.args as Record<string, unknown>;
    expect([args, body]).toEqual([
      {
        method: 'POST',
        target: '/payments?express=1',
        path: {},
        query: { express: '1' },
        headers: { 'content-type': 'application/json', 'x-team': 'a' },
      },
      { to: 'shop-7', amount: 4900 },
    ]);
    expect(asked?.action.argsDigest).toBe(canonicalDigest({ ...args, body, bodyDigest }));
    expect(world.received).toHaveLength(1);
    const [{ headers, ...received }] = world.received as [(typeof world.received)[number]];
    expect(received).toEqual({ method: 'POST', url: '/v2/payments?express=1', body: '{"to":"shop-7","amount":4900}' });
    expect(Object.keys(headers).sort()).toEqual([
      'accept-encoding',
      'authorization',
      'connection',
      'content-length',
      'content-type',
      'host',
      'x-team',
    ]);
    expect(headers.authorization).toBe('Bearer of-upstream');
    expect((await world.outcomes()).map(({ status }) => status)).toEqual(['completed']);
  });

  it.each<[string, string, string, number]>([
    ['an unknown route', 'GET', '/http/crm/orders', 403],
    ['a route that only a pattern of the catalog matches', 'GET', '/http/crm/anything', 403],
    ['a known path with another method', 'DELETE', '/http/crm/customers/1', 403],
    ['a path below a route', 'GET', '/http/crm/customers/1/orders', 403],
    ['a path with a slash at its end', 'GET', '/http/crm/customers/1/', 403],
    ['an API that is not registered', 'GET', '/http/none/customers/1', 404],
    ['an API of another tenant', 'GET', '/http/private/customers/1', 404],
    ['a dot segment', 'GET', '/http/crm/files/../customers/1', 400],
    ['an encoded dot segment', 'GET', '/http/crm/files/%2e%2e/customers/1', 400],
    ['an encoded slash', 'GET', '/http/crm/customers/a%2fb', 400],
    ['an encoded backslash', 'GET', '/http/crm/customers/a%5cb', 400],
    ['a segment that is encoded twice', 'GET', '/http/crm/customers/%252e%252e', 400],
    ['a wide solidus', 'GET', '/http/crm/customers/%EF%BC%8F', 400],
    ['an empty segment', 'GET', '/http/crm//customers/1', 400],
    ['parameters of the path', 'GET', '/http/crm/customers/1;admin=1', 400],
    ['bytes that are not UTF-8', 'GET', '/http/crm/customers/%ff', 400],
    ['a null byte', 'GET', '/http/crm/customers/1%00', 400],
    ['a percent sign that encodes nothing', 'GET', '/http/crm/customers/%zz', 400],
    ['a query separated by semicolons', 'GET', '/http/crm/customers/1?a=1;b=2', 400],
  ])('does not pass on %s', async (_what, method, path, status) => {
    expect([(await world.send(method, path)).status, world.received, world.asked]).toEqual([status, [], []]);
  });

  it.each<[string, string[], string]>([
    ['two authorizations', ['Authorization: Bearer of-run', 'Authorization: Bearer of-other'], ''],
    ['two types', ['Authorization: Bearer of-run', 'Content-Type: text/plain', 'Content-Type: application/json'], ''],
    ['another method in a header', ['Authorization: Bearer of-run', 'X-HTTP-Method-Override: DELETE'], ''],
    ['another address in a header', ['Authorization: Bearer of-run', 'X-Original-URL: /admin'], ''],
    ['a header with an underscore', ['Authorization: Bearer of-run', 'X_Team: b'], ''],
    ['two lengths', ['Authorization: Bearer of-run', 'Content-Length: 2', 'Content-Length: 3'], '{}'],
    [
      'a length and chunks',
      ['Authorization: Bearer of-run', 'Content-Length: 5', 'Transfer-Encoding: chunked'],
      '0\r\n\r\n',
    ],
    ['an unknown transfer encoding', ['Authorization: Bearer of-run', 'Transfer-Encoding: gzip, chunked'], '0\r\n\r\n'],
    ['a change of the protocol', ['Authorization: Bearer of-run', 'Connection: upgrade', 'Upgrade: h2c'], ''],
    ['a compressed body', ['Authorization: Bearer of-run', 'Content-Encoding: gzip', 'Content-Length: 2'], '{}'],
  ])('refuses a request with %s, and reads no second request from its bytes', async (_what, lines, body) => {
    const smuggled = `GET /http/crm/customers/2 HTTP/1.1\r\nHost: 127.0.0.1:${world.port}\r\nAuthorization: Bearer of-run\r\n\r\n`;
    const head = [`PUT /http/crm/notes/1 HTTP/1.1`, `Host: 127.0.0.1:${world.port}`, ...lines].join('\r\n');
    const answer = await world.raw(`${head}\r\n\r\n${body}${smuggled}`);
    expect([/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1], answer.match(/HTTP\/1\.1 /g)?.length]).toEqual(['400', 1]);
    expect(world.received).toEqual([]);
  });

  it('refuses a request for another host', async () => {
    const answer = await world.send('GET', '/http/crm/customers/1', { host: 'crm.internal' });
    expect([answer.status, world.asked, world.received]).toEqual([400, [], []]);
  });

  it('opens no tunnel', async () => {
    const answer = await world.raw(`CONNECT crm.internal:443 HTTP/1.1\r\nHost: crm.internal:443\r\n\r\n`);
    expect([answer.slice(0, 12), world.received]).toEqual(['HTTP/1.1 405', []]);
  });

  it.each<[string, Record<string, string>, string, number]>([
    ['with a repeated member', json, '{"to":"shop-7","to":"shop-8","amount":1}', 400],
    ['that is not JSON', json, 'to=shop-7', 400],
    [
      'in another character set',
      { 'content-type': 'application/json; charset=utf-7' },
      '{"to":"shop-7","amount":1}',
      415,
    ],
    ['that is larger than what is read', json, JSON.stringify({ to: 'x'.repeat(300_000) }), 413],
  ])('refuses a body %s', async (_what, headers, body, status) => {
    expect([(await world.send('POST', '/http/crm/payments', headers, body)).status, world.asked]).toEqual([status, []]);
  });

  it('states to the owner that a resource in a body that cannot be read is not known', async () => {
    await world.send('POST', '/http/crm/payments', { 'content-type': 'text/plain' }, '{"to":"shop-7","amount":1}');
    expect(world.asked[0]?.derived?.fault).toMatch('/body/to names the resource, and is missing');
  });

  it('passes on the form in which it read an address, not that in which it was sent', async () => {
    await world.send('GET', '/http/crm/files/a%62c/d+e?q=%61+b&q=%2B');
    expect(world.received[0]?.url).toBe('/v2/files/abc/d%2Be?q=a%20b&q=%2B');
    expect(world.asked[0]?.resource).toEqual({ type: 'file', id: 'abc/d+e' });
  });

  it('takes the route with a name over one with a parameter', async () => {
    await world.send('GET', '/http/crm/customers/me');
    await world.send('GET', '/http/crm/customers/7');
    expect(world.asked.map(({ action, resource }) => [action.verb, resource])).toEqual([
      ['crm.self', { type: 'http', id: 'crm/customers/me' }],
      ['crm.read', { type: 'customer', id: '7' }],
    ]);
  });

  it.each<[string, () => unknown, number, string]>([
    ['it is denied', denying, 403, 'DENIED'],
    ['no owner answers', () => Promise.reject(new Refused('NOT_READY', 'no owner')), 503, 'NOT_READY'],
    ['the decision fails', () => Promise.reject(new Error('a defect')), 500, 'INTERNAL'],
  ])('passes nothing on if %s', async (_what, decide, status, code) => {
    world.decide = decide as never;
    const answer = await pay('{"to":"shop-7","amount":1}');
    expect([answer.status, answer.body.code, world.received]).toEqual([status, code, []]);
  });

  it('asks for the approval of exactly one request, and repeats it for no other', async () => {
    const approvalId = `apr_0_${'0'.repeat(26)}`;
    world.decide = ({ approvalId: given }) => ({
      ok: true,
      value: given === undefined ? { ...PERMIT, decision: 'step-up', approvalId } : PERMIT,
    });
    const [first, other] = [await pay('{"to":"a","amount":1}'), await pay('{"to":"a","amount":1.0}')];
    expect([first.status, first.body.code, first.body.approvalId, other.status]).toEqual([
      403,
      'APPROVAL_NEEDED',
      approvalId,
      403,
    ]);
    expect(world.received).toEqual([]);
    expect((await pay('{"to":"a","amount":1}')).status).toBe(200);
    expect(world.asked.map(({ approvalId: given }) => given)).toEqual([undefined, undefined, approvalId]);
    expect(world.received).toHaveLength(1);
  });

  it.each<[number, string]>([
    [404, 'failed'],
    [409, 'failed'],
    [500, 'completed'],
    [201, 'completed'],
  ])('passes on the status %i, and reports the call as %s', async (status, outcome) => {
    world.upstream = (_request, response) => response.writeHead(status).end('x');
    expect((await world.send('GET', '/http/crm/customers/1')).status).toBe(status);
    expect((await world.outcomes()).map((each) => each.status)).toEqual([outcome]);
  });

  it('passes on no credential of an answer, and no address that leads around the boundary', async () => {
    world.upstream = (_request, response) =>
      response
        .writeHead(302, { 'set-cookie': 'session=1', location: 'https://files.test/signed?key=1', 'x-kept': '1' })
        .end();
    const away = await world.send('GET', '/http/crm/customers/1');
    expect([away.headers['set-cookie'], away.headers.location, away.headers['x-kept']]).toEqual([
      undefined,
      undefined,
      '1',
    ]);
    world.upstream = (_request, response) => response.writeHead(201, { location: '/v2/customers/9' }).end();
    expect((await world.send('GET', '/http/crm/customers/1')).headers.location).toBe(
      `${world.url}/http/crm/customers/9`,
    );
    world.upstream = (_request, response) => response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
    const refused = await world.send('GET', '/http/crm/customers/1');
    expect([refused.status, refused.body.code, refused.headers['www-authenticate']]).toEqual([
      502,
      'UPSTREAM_FAILED',
      undefined,
    ]);
  });

  it('removes the fields that the permit obliges it to, and withholds what it cannot read', async () => {
    const obligations = ['report-outcome', { kind: 'remove_fields', fields: ['/email'] }];
    world.decide = () => ({ ok: true, value: { ...PERMIT, obligations } });
    world.upstream = (_request, response) => response.setHeader('x-email', 'a@x').end('{"email":"a@x","name":"a"}');
    const reduced = await world.send('GET', '/http/crm/customers/1');
    expect([reduced.text, reduced.headers['x-email']]).toEqual(['{"name":"a"}', undefined]);
    world.upstream = (_request, response) => response.end('a@x');
    const withheld = await world.send('GET', '/http/crm/customers/1');
    expect([withheld.status, withheld.body.code]).toEqual([403, 'RESULT_WITHHELD']);
    expect((await world.outcomes()).map(({ status }) => status)).toEqual(['completed', 'completed']);
    expect(JSON.stringify(world.commands)).not.toContain('a@x');
  });

  it.each<[string, (response: import('node:http').ServerResponse) => void, string]>([
    ['dies before it answers', (response) => response.destroy(), 'completed'],
    [
      'dies within its answer',
      (response) => response.writeHead(200, { 'content-length': '100' }).write('x', () => response.destroy()),
      'completed',
    ],
  ])('reports one outcome, and gives no whole answer, if the upstream %s', async (_what, upstream, status) => {
    world.upstream = (_request, response) => upstream(response);
    const answer = await world.send('GET', '/http/crm/customers/1').catch(() => undefined);
    expect(answer === undefined || answer.status === 502).toBe(true);
    expect((await world.outcomes()).map((each) => each.status)).toEqual([status]);
  });

  it('charges a call whose client goes away, and aborts it upstream', async () => {
    let canceled: Promise<unknown> = Promise.resolve();
    const arrived = new Promise<void>((resolve) => {
      world.upstream = (_request, response) => {
        canceled = new Promise((closed) => response.once('close', closed));
        resolve();
      };
    });
    const reported = new Promise<void>((resolve) => (world.onOutcome = resolve));
    const gone = new AbortController();
    const url = `${world.url}/http/crm/customers/1`;
    const pending = fetch(url, { headers: { authorization: 'Bearer of-run' }, signal: gone.signal }).catch(
      () => 'gone',
    );
    await arrived;
    gone.abort();
    expect(await pending).toBe('gone');
    await Promise.all([reported, canceled]);
    expect((await world.outcomes()).map(({ status }) => status)).toEqual(['completed']);
  });

  it('aborts a call in flight when its lease is revoked', async () => {
    world.upstream = () => world.revoke();
    const answer = await world.send('GET', '/http/crm/customers/1');
    expect([answer.status, answer.body.code]).toEqual([403, 'GRANT_NOT_LIVE']);
    expect((await world.outcomes()).map(({ status }) => status)).toEqual(['completed']);
  });

  it('aborts a call in flight when its tool is denied, upstream too', async () => {
    let closed: Promise<unknown> = Promise.resolve();
    world.upstream = (_request, response) => {
      closed = new Promise((resolve) => response.once('close', resolve));
      world.denyTool();
    };
    const answer = await world.send('GET', '/http/crm/customers/1');
    await closed;
    expect([answer.status, answer.body.code]).toEqual([403, 'DENIED']);
    expect((await world.outcomes()).map(({ status }) => status)).toEqual(['completed']);
  });

  describe('as a forward proxy', () => {
    const through = (path: string, headers: Record<string, string>) =>
      world.send('GET', `http://127.0.0.1:${world.upstreamPort}${path}`, {
        host: `127.0.0.1:${world.upstreamPort}`,
        authorization: 'Bearer sent-to-the-api',
        ...headers,
      });
    const basic = `Basic ${Buffer.from('run:of-run').toString('base64')}`;

    it.each(['Bearer of-run', basic])('passes on a registered address for the token in %s', async (credential) => {
      const answer = await through('/v2/customers/7', { 'proxy-authorization': credential });
      expect([answer.status, world.asked[0]?.resource]).toEqual([200, { type: 'customer', id: '7' }]);
      expect([world.received[0]?.url, world.received[0]?.headers.authorization]).toEqual([
        '/v2/customers/7',
        'Bearer of-upstream',
      ]);
      expect(world.received[0]?.headers['proxy-authorization']).toBeUndefined();
    });

    it.each<[string, string, Record<string, string>, number]>([
      ['without a token for the proxy', '/v2/customers/7', {}, 407],
      ['next to the address of the API', '/v2x/customers/7', { 'proxy-authorization': basic }, 404],
      ['out of the address of the API', '/v2/../admin', { 'proxy-authorization': basic }, 400],
      ['whose Host is another', '/v2/customers/7', { 'proxy-authorization': basic, host: 'crm.internal' }, 400],
    ])('passes on no request %s', async (_what, path, headers, status) => {
      expect([(await through(path, headers)).status, world.received]).toEqual([status, []]);
    });
  });
});
