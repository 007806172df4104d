import { LIMITS } from '@bailiwick/core/limits';
import { http, Stack, type HttpAnswer } from '../support/stack';
import { samples, WHOLE_GRANT, withUnknownMembers, withWrongTypes, type Sample } from './bodies';
import { call, changesAfter, GRANT, head, openRun, problemIn, RUN, type LogEvent, type Opened } from './world';

type Json = Record<string, unknown>;

let stack: Stack;
let run: Opened;
let all: Sample[];

beforeAll(async () => {
  stack = await Stack.tenant();
  run = await openRun(stack);
  const permit = await http(stack, 'POST', '/v1/actions', { key: stack.keys.enforcer, body: call(run.grantId) });
  const asked = await post('orchestrator', '/v1/runs', { ...RUN, requireApproval: true });
  all = samples(run, String(permit.body.actionId), (asked.body.approval as { id: string }).id);
}, 120_000);
afterAll(() => stack.stop());

const post = (role: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<HttpAnswer> =>
  http(stack, 'POST', path, { key: stack.keys[role]!, body, headers });
const open = (grant: Json, more: Json = {}): Promise<HttpAnswer> =>
  post('orchestrator', '/v1/runs', { ...RUN, grant, ...more });
const act = (more: Json): Promise<HttpAnswer> => post('enforcer', '/v1/actions', call(run.grantId, more));

/** Returns the events written during the work, without records of refusals. */
async function leftBy(work: () => Promise<unknown>): Promise<LogEvent[]> {
  const before = await head(stack);
  await work();
  return changesAfter(stack, before);
}

/** Expects a refusal with this status and code, and no change. */
async function refused(status: number, code: string, ask: () => Promise<HttpAnswer>): Promise<HttpAnswer> {
  let answer: HttpAnswer | undefined;
  const left = await leftBy(async () => (answer = await ask()));
  expect([answer!.status, answer!.body.code, left]).toEqual([status, code, []]);
  problemIn(answer!);
  return answer!;
}

const ROUTES = samples({ runId: '', treeId: '', grantId: '', token: '', position: 0 }, '', '').map(
  (sample, i): [string, number] => [sample.path, i],
);

describe('a body is refused with 400 at every level', () => {
  it.each(ROUTES)('with an unknown member: %s', async (_path, i) => {
    const { path, role, body } = all[i]!;
    const changed = withUnknownMembers(body);
    const left = await leftBy(async () => {
      for (const each of changed) {
        const answer = await post(role, path, each.body);
        expect([each.what, answer.status, problemIn(answer)]).toEqual([each.what, 400, 'BAD_REQUEST']);
      }
    });
    expect(left).toEqual([]);
  });

  it.each(ROUTES)('with a value of another type: %s', async (_path, i) => {
    const { path, role, body } = all[i]!;
    const left = await leftBy(async () => {
      for (const each of withWrongTypes(body)) {
        const answer = await post(role, path, each.body);
        expect([each.what, answer.status, problemIn(answer)]).toEqual([each.what, 400, 'BAD_REQUEST']);
      }
    });
    expect(left).toEqual([]);
  });

  it('but is accepted unchanged', async () => {
    for (const { path, role, body } of all.filter(
      (each) => !/revocation$|completion|\/tenants|suspension|resumption/.test(each.path),
    ))
      expect([path, (await post(role, path, body)).status]).not.toEqual([path, 400]);
  });
});

describe('a body that is not accepted JSON is refused', () => {
  const NOT_JSON = ['', ' ', '{', 'nul', "{'a':1}", '{"a":1,}', '{"a":1}{"b":2}', 'NaN', '// x\n{}'];
  const NO_OBJECT = ['null', '1', '"x"', '[]', '[{}]', 'true'];

  it.each([...NOT_JSON, ...NO_OBJECT])('%j, on every route', async (raw) => {
    for (const { path, role } of all)
      await refused(400, 'BAD_REQUEST', () => http(stack, 'POST', path, { key: stack.keys[role]!, raw }));
  });

  it('with bytes that are not UTF-8', async () => {
    const body = Buffer.concat([Buffer.from('{"purpose":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    const headers = { authorization: `Bearer ${stack.keys.orchestrator}`, 'content-type': 'application/json' };
    const answer = await fetch(`${stack.url}/v1/runs`, { method: 'POST', headers, body });
    expect([answer.status, ((await answer.json()) as Json).code]).toEqual([400, 'BAD_REQUEST']);
  });

  it.each<[string, Json]>([
    ['an unpaired surrogate in an argument', { action: { verb: 'repo.read', args: { a: '\ud800' } } }],
    ['an unpaired surrogate in the name of an argument', { action: { verb: 'repo.read', args: { '\udc00': 1 } } }],
    [
      'an unpaired surrogate in an attribute',
      { resource: { type: 'repo', id: 'acme/x', attributes: { a: 'x\udfff' } } },
    ],
    [
      'too many levels',
      { action: { verb: 'repo.read', args: JSON.parse(`${'{"a":'.repeat(300)}1${'}'.repeat(300)}`) } },
    ],
  ])('with %s', async (_what, more) => {
    await refused(400, 'BAD_REQUEST', () => act(more));
  });

  it.each([
    [LIMITS.httpBodyValues / 2, 400, 'BAD_REQUEST'],
    [4 * LIMITS.httpBodyValues, 413, 'TOO_LARGE'], // each level is a value
  ] as const)('with %i levels, without a stack overflow: %i %s', async (levels, status, code) => {
    for (const [opening, closing] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      const args = `{"a":${opening.repeat(levels)}1${closing.repeat(levels)}}`;
      const raw = JSON.stringify(call(run.grantId, { action: { verb: 'repo.read', args: 0 } })).replace(
        '"args":0',
        `"args":${args}`,
      );
      await refused(status, code, () => http(stack, 'POST', '/v1/actions', { key: stack.keys.enforcer, raw }));
    }
  });

  it.each(['__proto__', '\\u005f_proto_\\u005F'])(
    'with the argument %s, which a digest would not cover',
    async (name) => {
      const raw = JSON.stringify(call(run.grantId, { action: { verb: 'repo.read', args: { a: 0 } } })).replace(
        '"a":0',
        `"a":[{"${name}":{"b":1}}]`,
      );
      await refused(400, 'BAD_REQUEST', () => http(stack, 'POST', '/v1/actions', { key: stack.keys.enforcer, raw }));
    },
  );

  it('but text may contain anything', async () => {
    const args = { text: 'about __proto__ and \u0001', constructor: 1, toString: { prototype: 2 } };
    expect((await act({ action: { verb: 'repo.read', args } })).status).toBe(200);
  });

  it('with an unpaired surrogate in stored text, while other requests succeed', async () => {
    const [bad, good] = await Promise.all([open(GRANT, { purpose: 'x\ud83d' }), open(GRANT)]);
    expect([bad.status, problemIn(bad), good.status]).toEqual([400, 'BAD_REQUEST', 201]);
  });

  const withArgs = (args: string): Promise<HttpAnswer> => {
    const raw = JSON.stringify(call(run.grantId, { action: { verb: 'repo.read', args: 0 } }));
    return http(stack, 'POST', '/v1/actions', {
      key: stack.keys.enforcer,
      raw: raw.replace('"args":0', () => `"args":${args}`),
    });
  };

  it.each([
    ['{"a":1e400}', 'action.args.a: the number 1e400 cannot be kept'],
    ['{"a":1e-400}', 'action.args.a: the number 1e-400 cannot be kept'],
    ['{"a":[{"to":9007199254740993}]}', 'action.args.a[0].to: the number 9007199254740993 cannot be kept'],
    ['{"a":9007199254740991.4e0}', 'action.args.a: the number 9007199254740991.4e0 cannot be kept'],
    ['{"a":{"to":1,"\\u0074o":2}}', 'action.args.a.to occurs twice in one object'],
    ['{"a b":1,"a b":1}', 'action.args["a b"] occurs twice in one object'],
  ])('with arguments whose digest would be ambiguous, and the detail names the place: %s', async (args, detail) => {
    const { body } = await refused(400, 'BAD_REQUEST', () => withArgs(args));
    expect(body.detail).toContain(detail);
  });

  it('but accepts numbers of any size that are stored exactly', async () => {
    expect((await withArgs('{"a":[9007199254740992,1e17,5e-324,-0,1.0]}')).status).toBe(200);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonx',
    'application/merge-patch+json',
    'nonsense',
  ])('as %s: 415', async (type) => {
    for (const { path, role, body } of all)
      await refused(415, 'UNSUPPORTED_MEDIA_TYPE', () => post(role, path, body, { 'content-type': type }));
  });

  it('but not as application/json with a charset', async () => {
    const headers = { 'content-type': 'application/json; charset=utf-8' };
    expect((await post('orchestrator', '/v1/runs', RUN, headers)).status).toBe(201);
  });
});

describe('a request beyond a maximum is refused', () => {
  const text = (length: number): string => 'x'.repeat(length);
  const many = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
  const named = (count: number, value: unknown): Json => Object.fromEntries(many(count, (i) => [`k${i}`, value]));
  const currencies = (count: number): Json =>
    Object.fromEntries(many(count, (i) => [`AA${String.fromCharCode(65 + i)}`, 1]));

  it.each<[string, number, (size: number) => Json]>([
    ['purpose', 4_000, (size) => ({ purpose: text(size) })],
    ['requestedBy', 200, (size) => ({ requestedBy: text(size) })],
    ['agent.class', 200, (size) => ({ agent: { class: text(size) } })],
    ['agent.posture.model', 200, (size) => ({ agent: { class: 'a', posture: { model: text(size) } } })],
    ['grant.actions.allow', 64, (size) => ({ grant: { ...GRANT, actions: { allow: many(size, (i) => `a.b${i}`) } } })],
    [
      'grant.resources',
      64,
      (size) => ({ grant: { ...GRANT, resources: many(size, (i) => ({ type: 'repo', match: `a/${i}` })) } }),
    ],
    [
      'grant.resources.where',
      8,
      (size) => ({ grant: { ...GRANT, resources: [{ type: 'repo', match: '**', where: named(size, { eq: 1 }) }] } }),
    ],
    [
      'grant.resources.where.in',
      64,
      (size) => ({
        grant: { ...GRANT, resources: [{ type: 'repo', match: '**', where: { a: { in: many(size, (i) => i) } } }] },
      }),
    ],
    [
      'grant.budget.windows',
      8,
      (size) => ({ grant: { ...GRANT, budget: { windows: many(size, (i) => ({ per: `${i + 1}h`, calls: 1 })) } } }),
    ],
    ['grant.budget.cost', 8, (size) => ({ grant: { ...GRANT, budget: { cost: currencies(size) } } })],
    [
      'grant.delegation.classes',
      64,
      (size) => ({ grant: { ...GRANT, delegation: { depth: 1, children: 1, classes: many(size, (i) => `c${i}`) } } }),
    ],
    ['grant.delegation.depth', 64, (depth) => ({ grant: { ...GRANT, delegation: { depth } } })],
    ['grant.delegation.children', 10_000, (children) => ({ grant: { ...GRANT, delegation: { depth: 1, children } } })],
  ])('%s of more than %s, in a request for a run', async (_what, most, make) => {
    expect((await open(GRANT, make(most))).status).toBe(201);
    await refused(400, 'BAD_REQUEST', () => open(GRANT, make(most + 1)));
  });

  it.each<[string, number, (size: number) => Json]>([
    ['action.tool', 200, (size) => ({ action: { verb: 'repo.read', tool: text(size) } })],
    ['resource.type', 200, (size) => ({ resource: { type: text(size), id: 'acme/x' } })],
    ['resource.attributes', 32, (size) => ({ resource: { type: 'repo', id: 'acme/x', attributes: named(size, 1) } })],
    ['an attribute', 200, (size) => ({ resource: { type: 'repo', id: 'acme/x', attributes: { a: text(size) } } })],
    ['labels', 32, (size) => ({ labels: many(size, (i) => `l${i}`) })],
    ['a label', 64, (size) => ({ labels: [text(size)] })],
    ['cost', 8, (size) => ({ cost: currencies(size) })],
  ])('%s of more than %s, in an action', async (_what, most, make) => {
    expect((await act(make(most))).status).toBe(200);
    await refused(400, 'BAD_REQUEST', () => act(make(most + 1)));
  });

  it('an empty batch, and one of more than 50', async () => {
    const batch = (size: number) =>
      post('enforcer', '/v1/actions:batch', { actions: many(size, () => call(run.grantId)) });
    for (const size of [0, 51]) await refused(400, 'BAD_REQUEST', () => batch(size));
    const { status, body } = await batch(50);
    expect([status, (body.answers as unknown[]).length]).toEqual([200, 50]);
  });

  it('an attribute that contradicts the argument of the same name; none of the actions of a batch is decided', async () => {
    const amounts = (amount: number) => ({
      action: { verb: 'repo.read', args: { amount: 41 } },
      resource: { type: 'repo', id: 'acme/x', attributes: { amount } },
    });
    await refused(422, 'ATTRIBUTE_CONTRADICTS_ARGS', () => act(amounts(42)));
    const actions = [call(run.grantId, amounts(41)), call(run.grantId, amounts(42))];
    await refused(422, 'ATTRIBUTE_CONTRADICTS_ARGS', () => post('enforcer', '/v1/actions:batch', { actions }));
    expect((await act(amounts(41))).status).toBe(200);
  });

  it('a batch with one malformed action: none of its actions is decided', async () => {
    const actions = [call(run.grantId), call(run.grantId, { action: { verb: '' } })];
    await refused(400, 'BAD_REQUEST', () => post('enforcer', '/v1/actions:batch', { actions }));
  });

  it('a body of more than 256 KiB: 413, with and without content-length', async () => {
    const body = (size: number): string => {
      const frame = JSON.stringify(call(run.grantId, { action: { verb: 'repo.read', args: { a: '' } } }));
      return frame.replace('"a":""', `"a":"${text(size - frame.length)}"`);
    };
    const limit = 256 * 1_024;
    expect((await http(stack, 'POST', '/v1/actions', { key: stack.keys.enforcer, raw: body(limit) })).status).toBe(200);
    await refused(413, 'TOO_LARGE', () =>
      http(stack, 'POST', '/v1/actions', { key: stack.keys.enforcer, raw: body(limit + 1) }),
    );
    const headers = { authorization: `Bearer ${stack.keys.enforcer}`, 'content-type': 'application/json' };
    const parts = new Blob([body(limit + 1)]).stream();
    const init = { method: 'POST', headers, body: parts, duplex: 'half' } as RequestInit;
    const chunked = await fetch(`${stack.url}/v1/actions`, init);
    expect([chunked.status, ((await chunked.json()) as Json).code]).toEqual([413, 'TOO_LARGE']);
  });

  it('a lease beyond the maximum, or a window below the minimum: 403, since both are well-formed', async () => {
    await refused(403, 'GRANT_EXCEEDS_MAXIMUM', () => open({ ...GRANT, time: { ttl: '31d' } }));
    const windows = [{ per: '1ms', calls: 1 }];
    await refused(403, 'GRANT_EXCEEDS_MAXIMUM', () => open({ ...GRANT, budget: { windows } }));
  });
});

describe('an amount that is not a whole number of minor units is refused', () => {
  const WRONG = [-1, 0.5, 1.5, 1e15 + 1, 2 ** 53, 1e21, '5', null, true];

  it.each<[string, (amount: unknown) => Promise<HttpAnswer>]>([
    ['budget.calls', (calls) => open({ ...GRANT, budget: { calls } })],
    ['budget.external', (external) => open({ ...GRANT, budget: { external } })],
    ['budget.cost', (USD) => open({ ...GRANT, budget: { cost: { USD } } })],
    ['budget.perAction.cost', (USD) => open({ ...GRANT, budget: { perAction: { cost: { USD } } } })],
    ['budget.windows', (calls) => open({ ...GRANT, budget: { windows: [{ per: '1h', calls }] } })],
    ['the cost of an action', (USD) => act({ cost: { USD } })],
    ['the cost of an outcome', (USD) => post('enforcer', all[6]!.path, { status: 'completed', cost: { USD } })],
  ])('as %s', async (_what, ask) => {
    for (const amount of WRONG) await refused(400, 'BAD_REQUEST', () => ask(amount));
  });

  it.each(['usd', 'US', 'USDX', '', '$', 'ÜSD', 'USD ', 'constructor'])(
    'in an invalid currency: %j',
    async (currency) => {
      await refused(400, 'BAD_REQUEST', () => act({ cost: { [currency]: 1 } }));
      await refused(400, 'BAD_REQUEST', () => open({ ...GRANT, budget: { cost: { [currency]: 1 } } }));
    },
  );
});

describe('an invalid value of the right type is refused', () => {
  it.each<[string, Json]>([
    ['two expiries', { time: { ttl: '1h', expiresAt: '2030-01-01T00:00:00Z' } }],
    ['an expiry in the past', { time: { expiresAt: '2020-01-01T00:00:00Z' } }],
    ['a zero duration', { time: { ttl: '0m' } }],
    ['a duration as text', { time: { ttl: 'an hour' } }],
    ['a negative duration', { time: { ttl: '-1h' } }],
    ['a time without a zone', { time: { expiresAt: '2030-01-01T00:00:00' } }],
    ['an invalid month', { time: { expiresAt: '2030-13-01T00:00:00Z' } }],
    ['an unknown mode', { actions: { allow: ['a.b'], mode: 'everything' } }],
    ['an unknown risk', { risk: { ceiling: 'tiny' } }],
    ['a drift above one', { purpose: { onDrift: { stepUpAt: 0.5, suspendAt: 1.1 } } }],
    ['suspension before step-up', { purpose: { onDrift: { stepUpAt: 0.9, suspendAt: 0.5 } } }],
    ['an invalid thumbprint', { session: { jkt: 'short' } }],
    ['an empty condition', { resources: [{ type: 'repo', match: '**', where: { a: {} } }] }],
    ['a posture that admits nothing', { posture: { agentClass: [] } }],
  ])('a grant with %s', async (_what, more) => {
    await refused(400, 'BAD_REQUEST', () => open({ ...GRANT, ...more }));
  });

  it.each<[string, Json]>([
    ['arguments and their digest', { action: { verb: 'repo.read', args: {}, argsDigest: `sha256:${'0'.repeat(64)}` } }],
    ['a digest of another kind', { action: { verb: 'repo.read', argsDigest: `md5:${'0'.repeat(32)}` } }],
    ['a label with a space', { labels: ['read secret'] }],
    ['an unknown effect', { action: { verb: 'repo.read', effect: 'maybe' } }],
    ['no verb', { action: {} }],
    ['no resource', { resource: undefined }],
    ['an attribute that is an object', { resource: { type: 'repo', id: 'acme/x', attributes: { a: {} } } }],
  ])('an action with %s', async (_what, more) => {
    await refused(400, 'BAD_REQUEST', () => act(more));
  });

  it.each(['a\u0000b', 'a\u001b[31mb', 'a\u202eb', 'a\u2028b', 'a\nb'])(
    'a name with a control character: %j',
    async (name) => {
      await refused(400, 'BAD_REQUEST', () => open(GRANT, { requestedBy: name }));
      await refused(400, 'BAD_REQUEST', () => open(GRANT, { agent: { class: name } }));
    },
  );

  it('a revocation with an empty selector, of a tree without its children, or with the digest of no preview', async () => {
    await refused(400, 'BAD_REQUEST', () => post('responder', '/v1/revocations/preview', { selector: {} }));
    await refused(400, 'BAD_REQUEST', () =>
      post('responder', '/v1/revocations', { selector: {}, reason: 'x', force: true }),
    );
    await refused(400, 'BAD_REQUEST', () =>
      post('responder', `/v1/grants/${run.grantId}/revocation`, { reason: 'x', subtree: false }),
    );
    const selector = { agentClass: 'repo-agent' };
    const answer = await refused(409, 'BLAST_RADIUS_GREW', () =>
      post('responder', '/v1/revocations', { selector, reason: 'x', digest: 'seen' }),
    );
    expect(answer.body).toMatchObject({
      preview: { digest: expect.any(String), counts: { grants: expect.any(Number) } },
    });
  });

  it.each(['', 'A', 'a b', '-a', 'a/b', 'a.b', '*', '>', 'x'.repeat(64)])('a tenant named %j', async (id) => {
    await refused(400, 'BAD_REQUEST', () => post('admin', '/v1/tenants', { id }));
  });
});

it('a valid request succeeds after all these refusals', async () => {
  const whole = await open(WHOLE_GRANT);
  expect(whole.status).toBe(201);
  expect((whole.body.grant as Json).status).toBe('active');
});
