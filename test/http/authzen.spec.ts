import { http, Stack, until, type HttpAnswer } from '../support/stack';
import { describeRequests } from './authzen-requests';
import { describeScenario, prepare } from './authzen-scenario';
import { changesAfter, head, makeTenant, openRun, problemIn, unknown, writtenAfter, type Opened } from './world';

/**
 * Covers the AuthZEN Authorization API 1.0: §6 evaluation, §7 evaluations, §8 searches, §9 metadata, §10 transport, and
 * the certification scenario of the working group (its numbers are in the titles).
 * @see https://openid.net/specs/authorization-api-1_0.html
 */

type Json = Record<string, unknown>;
interface Decision {
  decision: boolean;
  context?: Json;
}

let stack: Stack;
let run: Opened;
let certified: Record<string, string>;

const READ = { name: 'repo.read' };
const WRITE = { name: 'repo.commit' };
const NEVER = { name: 'secret.read' };
const RECORD = { type: 'repo', id: 'acme/clord' };
const ELSEWHERE = { type: 'repo', id: 'other/clord' };
const subject = (): Json => ({ type: 'grant', id: run.grantId });

beforeAll(async () => {
  stack = await Stack.tenant();
  run = await openRun(stack);
  certified = await makeTenant(stack, 'certified');
  await prepare(stack, certified);
}, 120_000);
afterAll(() => stack.stop());

const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<HttpAnswer> =>
  http(stack, 'POST', path, { key: stack.keys.enforcer, body, headers });
const evaluation = (body: Json): Promise<HttpAnswer> => post('/access/v1/evaluation', body);
const evaluations = (body: Json): Promise<HttpAnswer> => post('/access/v1/evaluations', body);
const whole = (more: Json = {}): Json => ({ subject: subject(), action: READ, resource: RECORD, ...more });

function decisionIn(answer: HttpAnswer): boolean {
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  expect(typeof answer.body.decision).toBe('boolean');
  if ('context' in answer.body) expect(answer.body.context).toBeInstanceOf(Object);
  return answer.body.decision as boolean;
}
function decisionsIn(answer: HttpAnswer): Decision[] {
  expect(answer.status).toBe(200);
  expect(answer.body).not.toHaveProperty('decision'); // 3.3.4
  const list = answer.body.evaluations as Decision[];
  for (const each of list) expect(typeof each.decision).toBe('boolean');
  return list;
}
const bare = (list: Decision[]): boolean[] => list.map((each) => each.decision);
const charged = async (): Promise<number> => {
  const { body } = await http(stack, 'GET', `/v1/grants/${run.grantId}`, { key: stack.keys.analyst });
  return (body.consumed as { calls: number }).calls;
};

describe('an evaluation', () => {
  it('permits a call that the grant permits, with its action id and the remaining budget (2.2.1)', async () => {
    const answer = await evaluation(whole());
    expect(decisionIn(answer)).toBe(true);
    expect(answer.body.context).toMatchObject({
      actionId: expect.stringMatching(/^act_/),
      reasons: expect.any(Array),
      obligations: expect.any(Array),
      expiresAt: expect.any(String),
      remaining: expect.any(Object),
    });
  });

  it('denies a call that the grant denies, with the reasons (2.2.2)', async () => {
    for (const denied of [{ action: NEVER }, { resource: ELSEWHERE }]) {
      const answer = await evaluation(whole(denied));
      expect(decisionIn(answer)).toBe(false);
      expect(JSON.stringify(answer.body.context)).toMatch(/ACTION_DENIED|RESOURCE_NOT_ALLOWED/);
    }
  });

  it('is a step-up if the call requires approval: denied, with the approval to wait for', async () => {
    const answer = await evaluation(whole({ action: { ...READ, properties: { risk: 'high', args: {} } } }));
    expect(decisionIn(answer)).toBe(false);
    expect(answer.body.context).toMatchObject({ stepUp: { approvalId: expect.stringMatching(/^apr_/) } });
  });

  it('accepts any context without changing the decision (2.2.3)', async () => {
    const context = { time: '2026-06-27T18:03-07:00', ip: '192.168.1.1', nested: { deep: [1] } };
    expect(decisionIn(await evaluation(whole({ context })))).toBe(true);
    expect(decisionIn(await evaluation(whole({ context, action: NEVER })))).toBe(false);
  });

  it('accepts any properties of subject, action and resource (2.2.8)', async () => {
    const body = {
      subject: { ...subject(), properties: { department: 'Sales', role: 'manager' } },
      action: { ...READ, properties: { method: 'GET' } },
      resource: { ...RECORD, properties: { status: 'active', owner: 'bob', tags: ['x'], more: { y: null } } },
    };
    expect(decisionIn(await evaluation(body))).toBe(true);
  });

  it('ignores unknown members (2.2.9)', async () => {
    expect(decisionIn(await evaluation(whole({ foo: 'bar', futureField: { nested: true } })))).toBe(true);
  });

  it('gives the same decision each time (2.6)', async () => {
    for (let i = 0; i < 3; i++) {
      expect(decisionIn(await evaluation(whole()))).toBe(true);
      expect(decisionIn(await evaluation(whole({ action: NEVER })))).toBe(false);
    }
  });

  it('matches the properties of the resource against the grant', async () => {
    const where = { sensitivity: { in: ['public'] } };
    const { grantId } = await openRun(stack, {
      actions: { allow: ['repo.read'] },
      resources: [{ type: 'repo', match: 'acme/**', where }],
    });
    const asked = (sensitivity: unknown): Json =>
      whole({ subject: { type: 'grant', id: grantId }, resource: { ...RECORD, properties: { sensitivity } } });
    expect(decisionIn(await evaluation(asked('public')))).toBe(true);
    for (const other of ['secret', ['public'], { in: 'public' }, null])
      expect([other, decisionIn(await evaluation(asked(other)))]).toEqual([other, false]);
  });

  it('denies a subject that is not a known grant, as a decision and not an error (I11)', async () => {
    const strangers = [
      { type: 'user', id: 'alice' },
      { type: 'run', id: 'alice' },
      { type: 'run', id: unknown(run.runId) },
      { type: 'grant', id: 'alice' },
      { type: 'grant', id: unknown(run.grantId) },
      { type: 'grant', id: run.grantId.replace('_0_', '_7_') },
      { type: 'grant', id: run.runId },
    ];
    const before = await head(stack);
    for (const stranger of strangers) {
      const answer = await evaluation(whole({ subject: stranger }));
      expect([stranger, decisionIn(answer)]).toEqual([stranger, false]);
      expect(answer.body.context).toMatchObject({ code: 'NOT_FOUND', reason: expect.any(String) });
    }
    expect(await changesAfter(stack, before)).toEqual([]);
  });

  it('is charged like an action unless context.dryRun is true', async () => {
    const before = await charged();
    const answer = await evaluation(whole({ context: { dryRun: true } }));
    expect(decisionIn(answer)).toBe(true);
    expect(answer.body.context).not.toHaveProperty('actionId');
    expect(decisionIn(await evaluation(whole({ action: NEVER, context: { dryRun: true } })))).toBe(false);
    expect(await charged()).toBe(before);
    await evaluation(whole({ context: { dryRun: false } }));
    expect(await charged()).toBe(before + 1);
  });
});

describe('a malformed evaluation gets 400 without a decision', () => {
  it.each<[string, () => Json]>([
    ['no subject (2.4.1)', () => whole({ subject: undefined })],
    ['no action', () => whole({ action: undefined })],
    ['no resource', () => whole({ resource: undefined })],
    ['a subject without type (2.4.2)', () => whole({ subject: { id: run.grantId } })],
    ['a subject without id', () => whole({ subject: { type: 'grant' } })],
    ['an action without name', () => whole({ action: {} })],
    ['a resource without type', () => whole({ resource: { id: 'acme/clord' } })],
    ['a resource without id', () => whole({ resource: { type: 'repo' } })],
    ['a subject that is a string (2.4.6)', () => whole({ subject: 'alice' })],
    ['an action whose name is a number', () => whole({ action: { name: 123 } })],
    ['properties that are a list', () => whole({ resource: { ...RECORD, properties: ['x'] } })],
    ['a context that is a string', () => whole({ context: 'x' })],
    ['a dryRun that is a string', () => whole({ context: { dryRun: 'yes' } })],
    ['an unknown risk', () => whole({ action: { ...READ, properties: { risk: 'tiny' } } })],
    ['a negative cost', () => whole({ context: { cost: { USD: -1 } } })],
  ])('%s', async (_what, make) => {
    const before = await head(stack);
    const answer = await evaluation(make());
    expect([answer.status, problemIn(answer)]).toEqual([400, 'BAD_REQUEST']);
    expect(await writtenAfter(stack, before)).toEqual([]);
  });

  it.each<[string, { raw: string; headers?: Record<string, string> }]>([
    ['another content type (2.4.3)', { raw: '{}', headers: { 'content-type': 'text/plain' } }],
    ['malformed JSON (2.4.4)', { raw: '{ "subject": ' }],
    ['an empty body (2.4.5)', { raw: '' }],
    ['a list', { raw: '[]' }],
    ['null', { raw: 'null' }],
  ])('%s', async (_what, request) => {
    for (const path of ['/access/v1/evaluation', '/access/v1/evaluations']) {
      const answer = await http(stack, 'POST', path, { key: stack.keys.enforcer, ...request });
      expect([answer.status, problemIn(answer)]).toEqual([400, 'BAD_REQUEST']);
    }
  });
});

describe('a batch of evaluations', () => {
  it('takes missing members from the defaults and returns the decisions in order (3.2.1, 3.2.2, 3.3)', async () => {
    const actions = [READ, NEVER, WRITE, NEVER].map((action) => ({ action }));
    const answer = await evaluations({ subject: subject(), resource: RECORD, evaluations: actions });
    expect(bare(decisionsIn(answer))).toEqual([true, false, true, false]);
  });

  it('may omit the defaults if every evaluation is complete (3.2.5)', async () => {
    const answer = await evaluations({ evaluations: [whole(), whole({ action: NEVER })] });
    expect(bare(decisionsIn(answer))).toEqual([true, false]);
  });

  it('replaces a default as a whole by the value of an evaluation (7.1.1)', async () => {
    const answer = await evaluations({
      ...whole({ action: NEVER, context: { dryRun: true } }),
      evaluations: [{}, { action: READ }, { action: READ, context: {} }, { action: READ, resource: ELSEWHERE }],
    });
    const list = decisionsIn(answer);
    expect(bare(list)).toEqual([false, true, true, false]);
    // the default requests a dry run for all: an evaluation with its own context is still not charged
    expect(list.map((each) => 'actionId' in (each.context ?? {}))).toEqual([false, false, false, false]);
  });

  it('inherits the context unless an evaluation has its own (3.2.6)', async () => {
    const answer = await evaluations({
      ...whole({ context: { time: '2026-06-27T18:03-07:00' } }),
      evaluations: [{ resource: RECORD }, { resource: RECORD, context: { source: 'batch-override' } }],
    });
    expect(bare(decisionsIn(answer))).toEqual([true, true]);
  });

  it.each<[string, unknown]>([
    ['lacks a member', {}],
    ['has a member of the wrong type', { resource: 'x' }],
    ['has an incomplete member', { resource: { type: 'repo' } }],
    ['has an invalid resource id', { resource: { type: 'repo', id: 'acme/\u0000' } }],
  ])('decides the other evaluations if one %s (3.4.1)', async (_what, broken) => {
    const answer = await evaluations({
      subject: subject(),
      action: READ,
      evaluations: [{ resource: RECORD }, broken, { resource: RECORD }],
    });
    const list = decisionsIn(answer);
    expect(bare(list)).toEqual([true, false, true]);
    expect(list[1]?.context).toMatchObject({ error: { status: 400, message: expect.any(String) } });
  });

  it.each<[string, Json]>([
    ['evaluations is missing', {}],
    ['evaluations is empty', { evaluations: [] }],
  ])('is a single evaluation if %s (3.4.2, 3.4.3)', async (_what, more) => {
    const answer = await evaluations(whole(more));
    expect(decisionIn(answer)).toBe(true);
    expect(answer.body).not.toHaveProperty('evaluations');
    const missing = await evaluations({ ...whole(more), resource: undefined });
    expect([missing.status, problemIn(missing)]).toEqual([400, 'BAD_REQUEST']);
  });

  it('is refused as a whole if it has too many evaluations or is not a list of objects', async () => {
    const before = await head(stack);
    for (const list of [Array.from({ length: 51 }, () => ({})), {}, 'x', [1], [null], [[]]]) {
      const answer = await evaluations(whole({ evaluations: list }));
      expect([list, answer.status]).toEqual([list, 400]);
      expect(problemIn(answer)).toBe('BAD_REQUEST');
    }
    expect(await writtenAfter(stack, before)).toEqual([]);
  });
});

describe('the semantic of a batch of evaluations', () => {
  const asked = (semantic: string | undefined, names: Json[]): Json => ({
    subject: subject(),
    resource: RECORD,
    ...(semantic === undefined ? {} : { options: { evaluations_semantic: semantic, another_option: 'value' } }),
    evaluations: names.map((action) => (action === READ || action === NEVER ? { action } : action)),
  });

  it.each<[string | undefined, Json[], boolean[]]>([
    [undefined, [READ, NEVER, READ], [true, false, true]],
    ['execute_all', [READ, NEVER, READ], [true, false, true]],
    ['deny_on_first_deny', [READ, NEVER, READ], [true, false]],
    ['deny_on_first_deny', [READ, READ], [true, true]],
    ['deny_on_first_deny', [READ, {}, READ], [true, false]],
    ['permit_on_first_permit', [NEVER, READ, READ], [false, true]],
    ['permit_on_first_permit', [NEVER, NEVER], [false, false]],
    ['permit_on_first_permit', [{}, READ, READ], [false, true]],
  ])('%s: for %j returns %j and charges no later evaluation', async (semantic, names, expected) => {
    const before = await charged();
    expect(bare(decisionsIn(await evaluations(asked(semantic, names))))).toEqual(expected);
    expect((await charged()) - before).toBe(expected.filter(Boolean).length);
  });

  it('is refused if it is unknown', async () => {
    const answer = await evaluations(asked('sometimes', [READ]));
    expect([answer.status, problemIn(answer)]).toEqual([400, 'BAD_REQUEST']);
  });
});

describe('the transport', () => {
  const ID = 'bfe9eb29-ab87-4ca3-be83-a1d5d8305716';

  it.each<[number, string, () => unknown]>([
    [200, '/access/v1/evaluation', () => whole()],
    [200, '/access/v1/evaluations', () => ({ evaluations: [whole()] })],
    [400, '/access/v1/evaluation', () => ({})],
  ])('returns X-Request-ID with a %s of %s (2.5.1)', async (status, path, body) => {
    const answer = await post(path, body(), { 'x-request-id': ID });
    expect([answer.status, answer.headers.get('x-request-id')]).toEqual([status, ID]);
  });

  it('returns X-Request-ID if the caller is refused or the path does not exist', async () => {
    const headers = { 'x-request-id': ID };
    for (const [status, path, key] of [
      [401, '/access/v1/evaluation', 'an-unknown-key'],
      [403, '/access/v1/evaluation', stack.keys.analyst],
      [404, '/access/v2/evaluation', stack.keys.enforcer],
    ] as const) {
      const answer = await http(stack, 'POST', path, { key, body: whole(), headers });
      expect([answer.status, answer.headers.get('x-request-id')]).toEqual([status, ID]);
      problemIn(answer);
    }
  });

  it('requires no X-Request-ID (2.5.2)', async () => {
    expect(decisionIn(await evaluation(whole()))).toBe(true);
  });

  it("accepts a run's token for its own grant only", async () => {
    const [one, two] = [await openRun(stack), await openRun(stack)];
    const asked = (of: Opened): Json => whole({ subject: { type: 'grant', id: of.grantId } });
    const as = (body: Json, path: string) => http(stack, 'POST', path, { key: one.token, body });
    expect(decisionIn(await as(asked(one), '/access/v1/evaluation'))).toBe(true);
    const before = await head(stack);
    const mixed = await as({ evaluations: [asked(one), asked(two)] }, '/access/v1/evaluations');
    for (const answer of [await as(asked(two), '/access/v1/evaluation'), mixed])
      expect([answer.status, problemIn(answer)]).toEqual([403, 'FORBIDDEN']);
    expect(await changesAfter(stack, before)).toEqual([]);
  });
});

describe('discovery', () => {
  it('requires no key and lists the endpoints under the public URL (6.3, 6.5)', async () => {
    const answer = await http(stack, 'GET', '/.well-known/authzen-configuration');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.body).toMatchObject({
      policy_decision_point: stack.url,
      access_evaluation_endpoint: `${stack.url}/access/v1/evaluation`,
      access_evaluations_endpoint: `${stack.url}/access/v1/evaluations`,
      search_subject_endpoint: `${stack.url}/access/v1/search/subject`,
      search_resource_endpoint: `${stack.url}/access/v1/search/resource`,
      search_action_endpoint: `${stack.url}/access/v1/search/action`,
    });
  });

  it('lists only endpoints that exist', async () => {
    const { body } = await http(stack, 'GET', '/.well-known/authzen-configuration');
    const endpoints = Object.entries(body).filter(([name]) => name.endsWith('_endpoint'));
    for (const [name, url] of endpoints) {
      const { status } = await http(stack, 'POST', String(url).slice(stack.url.length), {
        key: stack.keys.enforcer,
        body: {},
      });
      expect([name, status]).toEqual([name, 400]);
    }
  });
});

describeScenario(() => ({ stack, key: certified.enforcer as string }));

describe('a subject that is a run', () => {
  it('stands for the lease of the run', async () => {
    const ofRun = { type: 'run', id: run.runId };
    expect(decisionIn(await evaluation(whole({ subject: ofRun })))).toBe(true);
    expect(decisionIn(await evaluation(whole({ subject: ofRun, action: NEVER })))).toBe(false);
    const token = { key: run.token, body: whole({ subject: ofRun }) };
    expect(decisionIn(await http(stack, 'POST', '/access/v1/evaluation', token))).toBe(true);
  });
});

describe('a search', () => {
  const search = async (kind: string, body: Json, key = stack.keys.enforcer): Promise<string[]> => {
    const found: string[] = [];
    let token: unknown;
    do {
      const page = { limit: 2, ...(token === undefined ? {} : { token }) };
      const answer = await http(stack, 'POST', `/access/v1/search/${kind}`, { key, body: { ...body, page } });
      expect(answer.status).toBe(200);
      const results = answer.body.results as Json[];
      expect(results.length).toBeLessThanOrEqual(2);
      found.push(...results.map((each) => String(each.id ?? each.name)));
      token = (answer.body.page as Json).next_token;
    } while (token !== '');
    return found;
  };

  it('finds what evaluations permit, charges nothing and writes nothing', async () => {
    const opened = await openRun(stack, {
      actions: { allow: ['repo.read', 'repo.commit', 'repo.wipe'], deny: ['repo.wipe'] },
      resources: [
        { type: 'repo', match: 'acme/one' },
        { type: 'repo', match: 'acme/many/**', except: ['acme/many/secret'] },
        { type: 'repo', match: 'acme/public', where: { sensitivity: { eq: 'public' } } },
      ],
    });
    const holder = { type: 'grant', id: opened.grantId };
    const tried = ['acme/many/a', 'acme/many/secret', 'other/x'].map((id) => ({ resource: { type: 'repo', id } }));
    await evaluations({ subject: holder, action: READ, evaluations: tried });
    await until('the calls to be listed', async () => {
      const { body } = await http(stack, 'GET', `/v1/events?treeId=${opened.treeId}`, { key: stack.keys.analyst });
      return (body.items as Json[]).filter(({ type }) => String(type).startsWith('Action')).length === 3;
    });
    const before = await head(stack);
    const repos = (more: Json = {}) =>
      search('resource', { subject: holder, action: READ, resource: { type: 'repo', ...more } });
    expect(await repos()).toEqual(['acme/many/a', 'acme/one']);
    expect(await repos({ properties: { sensitivity: 'public' } })).toEqual(['acme/many/a', 'acme/one', 'acme/public']);
    expect(await search('action', { subject: holder, resource: { type: 'repo', id: 'acme/one' } })).toEqual([
      'repo.commit',
      'repo.read',
    ]);
    expect(await search('action', { subject: holder, resource: { type: 'repo', id: 'other/x' } })).toEqual([]);
    const holders = { subject: { type: 'grant' }, action: READ, resource: { type: 'repo', id: 'acme/one' } };
    const found = await search('subject', holders);
    expect(found).toEqual(expect.arrayContaining([run.grantId, opened.grantId]));
    expect(new Set(found).size).toBe(found.length);
    for (const id of found)
      expect(decisionIn(await evaluation({ ...holders, subject: { type: 'grant', id }, dryRun: true }))).toBe(true);
    const runs = await search('subject', { ...holders, subject: { type: 'run' } });
    expect([runs.length, runs.includes(opened.runId)]).toEqual([found.length, true]);
    expect(await changesAfter(stack, before)).toEqual([]);
  });

  it("shows a run its own lease only, and other tenants' leases to no one", async () => {
    const own = await openRun(stack);
    const holders = { subject: { type: 'grant' }, action: READ, resource: RECORD };
    expect(await search('subject', holders, own.token)).toEqual([own.grantId]);
    expect(await search('subject', holders, certified.enforcer as string)).toEqual([]);
    const others = { key: own.token, body: { subject: subject(), resource: RECORD } };
    expect((await http(stack, 'POST', '/access/v1/search/action', others)).status).toBe(403);
  });

  it('refuses a token of another search, of another tenant, of another run, or of none', async () => {
    await openRun(stack);
    const body = { subject: { type: 'grant' }, action: READ, resource: RECORD };
    const { body: first } = await post('/access/v1/search/subject', { ...body, page: { limit: 1 } });
    const token = String((first.page as Json).next_token);
    expect(token).not.toBe('');
    const later = { ...body, page: { token } };
    expect((await post('/access/v1/search/subject', later)).status).toBe(200);
    const answers = [
      await post('/access/v1/search/subject', { ...later, action: WRITE }),
      await post('/access/v1/search/subject', { ...later, subject: { type: 'run' } }),
      await post('/access/v1/search/subject', { ...body, page: { token: `${token.slice(0, -2)}AA` } }),
      await post('/access/v1/search/subject', { ...body, page: { token: 'x' } }),
      await post('/access/v1/search/subject', { ...body, page: { token: '' } }),
      await post('/access/v1/search/subject', { ...body, page: { limit: 0 } }),
      await http(stack, 'POST', '/access/v1/search/subject', { key: certified.enforcer as string, body: later }),
      await http(stack, 'POST', '/access/v1/search/subject', { key: run.token, body: later }),
    ];
    expect(answers.map((answer) => [answer.status, problemIn(answer)])).toEqual(
      answers.map(() => [400, 'BAD_REQUEST']),
    );
  });
});

describeRequests(() => ({ stack, run, otherTenant: certified.enforcer as string }));
