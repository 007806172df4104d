import { http, Stack, type HttpAnswer } from '../support/stack';
import { JKT } from './bodies';
import { call, changesAfter, GRANT, head, openRun, problemIn, RUN, writtenAfter, type Opened } from './world';

type Json = Record<string, unknown>;

let stack: Stack;

beforeAll(async () => {
  stack = await Stack.tenant();
}, 120_000);
afterAll(() => stack.stop());

const post = (role: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<HttpAnswer> =>
  http(stack, 'POST', path, { key: stack.keys[role]!, body, headers });
const get = (path: string): Promise<HttpAnswer> => http(stack, 'GET', path, { key: stack.keys.analyst! });
const open = (grant: Json): Promise<HttpAnswer> => post('orchestrator', '/v1/runs', { ...RUN, grant });

/** Expects a refusal, with no event other than its record. */
async function refused(status: number, code: string, work: () => Promise<HttpAnswer>): Promise<HttpAnswer> {
  const before = await head(stack);
  const answer = await work();
  expect([answer.status, answer.body.code]).toEqual([status, code]);
  problemIn(answer);
  expect(await changesAfter(stack, before)).toEqual([]);
  return answer;
}

describe('an invalid pattern is refused as PATTERN_INVALID with the reason', () => {
  it.each(['repo read', 'a..b', '.a', 'a.', '.', '*x', 'a.*b', '***', 'a/b', 'a\u0000', 'ré.po', 'a.\u200bb', '%2a'])(
    'the action %j, allowed or denied',
    async (pattern) => {
      for (const actions of [{ allow: [pattern] }, { allow: ['repo.read'], deny: ['a.b', pattern] }]) {
        const answer = await refused(400, 'PATTERN_INVALID', () => open({ ...GRANT, actions }));
        expect(answer.body.detail).toMatch(/grant\.actions\.(allow\[0\]|deny\[1\])/);
      }
    },
  );

  it.each([
    'acme//x',
    '/acme//x',
    'https://',
    'acme/',
    'acme/../x',
    './acme',
    'acme/***',
    'acme/[ab]',
    'acme/**x',
    'acme\\x',
    'acme/%2e%2e/x',
    'a\u202eb',
    'acme\uff0fx',
    'a/'.repeat(33) + 'b',
    'x'.repeat(129),
  ])('the resource %j', async (match) => {
    const resources = [
      { type: 'repo', match: 'acme/**' },
      { type: 'repo', match },
    ];
    const answer = await refused(400, 'PATTERN_INVALID', () => open({ ...GRANT, resources }));
    expect(answer.body.detail).toContain('grant.resources[1].match');
  });

  it.each<[string, Json]>([
    ['a verb that is a pattern', { action: { verb: 'repo.*' } }],
    ['a verb with an invisible character', { action: { verb: 'repo.re\u00adad' } }],
    ['a resource that is a pattern', { resource: { type: 'repo', id: 'acme/*' } }],
    ['a resource with a parent folder', { resource: { type: 'repo', id: 'acme/../other' } }],
    ['a resource with an encoded parent folder', { resource: { type: 'repo', id: 'acme/%2e%2e/other' } }],
  ])('in an action: %s', async (_what, more) => {
    const { grantId } = await openRun(stack);
    await refused(400, 'PATTERN_INVALID', () => post('enforcer', '/v1/actions', call(grantId, more)));
  });

  it('in a delegation or an escalation', async () => {
    const { grantId, runId } = await openRun(stack);
    const grant = { actions: { allow: ['a..b'] } };
    const child = { agent: { class: 'c' }, task: 't', grant };
    await refused(400, 'PATTERN_INVALID', () => post('orchestrator', `/v1/grants/${grantId}/delegations`, child));
    await refused(400, 'PATTERN_INVALID', () =>
      post('orchestrator', `/v1/runs/${runId}/escalations`, { want: grant, reason: 'x' }),
    );
  });
});

describe('a child that would be wider than its parent is refused as GRANT_WIDENS_PARENT (I1)', () => {
  const PARENT = {
    ...GRANT,
    actions: { allow: ['repo.*'], deny: ['repo.delete'], mode: 'propose' },
    budget: { calls: 10, reads: 10, writes: 5, cost: { USD: 100 } },
    risk: { ceiling: 'medium', approvalFrom: 'medium' },
    purpose: { onDrift: { stepUpAt: 0.5, suspendAt: 0.7 }, delegatedSources: [] },
    posture: { environment: ['prod'] },
  };
  let parent: Opened;
  beforeAll(async () => {
    parent = await openRun(stack, PARENT);
  });
  const delegate = (grant: Json): Promise<HttpAnswer> =>
    post('orchestrator', `/v1/grants/${parent.grantId}/delegations`, { agent: { class: 'c' }, task: 't', grant });
  const later = new Date(Date.now() + 5 * 3_600_000).toISOString();

  const WIDER: [string, string, Json, unknown, unknown][] = [
    ['time', 'time.expiresAt', { time: { expiresAt: later } }, expect.any(String), later],
    ['purpose', 'purpose.onDrift.suspendAt', { purpose: { onDrift: { stepUpAt: 0.5, suspendAt: 0.9 } } }, 0.7, 0.9],
    ['purpose', 'purpose.delegatedSources', { purpose: { delegatedSources: ['x'] } }, [], ['x']],
    [
      'actions',
      'actions.allow',
      { actions: { allow: ['repo.read', 'mail.send'] } },
      expect.anything(),
      expect.anything(),
    ],
    ['actions', 'actions.mode', { actions: { mode: 'execute' } }, 'propose', 'execute'],
    ['resources', 'resources', { resources: [{ type: 'repo', match: '**' }] }, ['repo acme/**'], ['repo **']],
    ['budget', 'budget.calls', { budget: { calls: 11 } }, 10, 11],
    ['budget', 'budget.cost.USD', { budget: { cost: { USD: 101 } } }, 100, 101],
    ['budget', 'budget.cost.EUR', { budget: { cost: { EUR: 1 } } }, 0, 1],
    ['delegation', 'delegation.depth', { delegation: { depth: 2, children: 1 } }, 2, 2],
    ['delegation', 'delegation.children', { delegation: { depth: 1, children: 11 } }, 10, 11],
    ['risk', 'risk.ceiling', { risk: { ceiling: 'high' } }, 'medium', 'high'],
    ['risk', 'risk.approvalFrom', { risk: { approvalFrom: 'high' } }, 'medium', 'high'],
    [
      'posture',
      'posture.environment',
      { posture: { environment: ['prod', 'dev'] } },
      ['prod'],
      expect.arrayContaining(['dev']),
    ],
  ];

  it.each(WIDER)(
    'in %s: %s, with the values of the parent and of the child',
    async (rule, path, grant, limit, actual) => {
      const answer = await refused(403, 'GRANT_WIDENS_PARENT', () => delegate(grant));
      expect(answer.body.reasons).toContainEqual(
        expect.objectContaining({
          rule,
          outcome: 'deny',
          code: 'WIDENS',
          message: expect.any(String),
          path,
          limit,
          actual,
        }),
      );
      expect(answer.body.detail).toContain(path);
    },
  );

  it('in all dimensions at once, and the refusal lists every one', async () => {
    const grant = {
      time: { expiresAt: later },
      purpose: { onDrift: { stepUpAt: 0.6, suspendAt: 0.9 }, delegatedSources: ['x'] },
      actions: { allow: ['**'], mode: 'execute' },
      resources: [{ type: 'repo', match: '**' }],
      budget: { calls: 11, cost: { USD: 101, EUR: 1 } },
      delegation: { depth: 2, children: 11 },
      risk: { ceiling: 'irreversible', approvalFrom: 'irreversible' },
      posture: { environment: ['dev'] },
    };
    const answer = await refused(403, 'GRANT_WIDENS_PARENT', () => delegate(grant));
    const paths = (answer.body.reasons as { path: string }[]).map((reason) => reason.path);
    for (const [, path] of WIDER) expect(paths).toContain(path);
  });

  it('and the refusal is recorded in the log under the parent grant', async () => {
    const before = await head(stack);
    await delegate({ budget: { calls: 11 } });
    const [event, ...more] = await writtenAfter(stack, before);
    expect(more).toEqual([]);
    expect(event).toMatchObject({
      type: 'DelegationRefused',
      grantId: parent.grantId,
      data: { code: 'GRANT_WIDENS_PARENT', reasons: [{ path: 'budget.calls' }] },
    });
  });

  it('but omitted limits are inherited, and equal limits are not wider', async () => {
    const child = await delegate({ actions: { allow: ['repo.*'], mode: 'propose' }, budget: { calls: 10 } });
    expect(child.status).toBe(201);
    expect((child.body.grant as { limits: Json }).limits).toMatchObject({
      actions: { deny: ['repo.delete'] },
      delegation: { depth: 0, children: 0 },
      risk: { ceiling: 'medium' },
    });
  });

  it('and below a run bound to a key, every child must name a key', async () => {
    const bound = await openRun(stack, { ...GRANT, session: { jkt: JKT } });
    const below = (grant: Json) =>
      post('orchestrator', `/v1/grants/${bound.grantId}/delegations`, { agent: { class: 'c' }, task: 't', grant });
    const free = await refused(403, 'GRANT_WIDENS_PARENT', () => below({}));
    expect(free.body.reasons).toMatchObject([{ rule: 'session', path: 'session.jkt', limit: JKT, actual: null }]);
    const jkt = 'b'.repeat(43);
    const own = await below({ session: { jkt } });
    expect((own.body.grant as { limits: Json }).limits.session).toEqual({ jkt });
  });
});

describe('an Idempotency-Key', () => {
  const keyed = (key: string, body: unknown = RUN, role = 'orchestrator', path = '/v1/runs') =>
    post(role, path, body, { 'idempotency-key': key });

  it('returns the original response and repeats nothing', async () => {
    const first = await keyed('once');
    const before = await head(stack);
    const again = await keyed('once');
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect(await writtenAfter(stack, before)).toEqual([]);
  });

  it('returns the same response to concurrent requests', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => keyed('at once')));
    const runs = new Set(answers.map((answer) => (answer.body.run as { id: string }).id));
    expect([new Set(answers.map((answer) => answer.status)), runs.size]).toEqual([new Set([201]), 1]);
  });

  it('is charged once', async () => {
    const { grantId } = await openRun(stack);
    for (let i = 0; i < 3; i++) await keyed('charge', call(grantId), 'enforcer', '/v1/actions');
    expect(((await get(`/v1/grants/${grantId}`)).body.consumed as Json).calls).toBe(1);
  });

  it('is charged once for each action of a batch', async () => {
    const { grantId } = await openRun(stack);
    const body = { actions: [call(grantId), call(grantId)] };
    for (let i = 0; i < 2; i++) await keyed('batch', body, 'enforcer', '/v1/actions:batch');
    expect(((await get(`/v1/grants/${grantId}`)).body.consumed as Json).calls).toBe(2);
  });

  it('is refused with another body, or for another route', async () => {
    const { grantId } = await openRun(stack);
    await keyed('used');
    const path = `/v1/grants/${grantId}/delegations`;
    const child = { agent: { class: 'c' }, task: 't', grant: {} };
    await refused(409, 'IDEMPOTENCY_KEY_REUSED', () => keyed('used', { ...RUN, purpose: 'Another' }));
    await refused(409, 'IDEMPOTENCY_KEY_REUSED', () => keyed('used', child, 'orchestrator', path));
  });

  it('is scoped to its sender: another role may use the same key', async () => {
    const { grantId } = await openRun(stack);
    await keyed('shared');
    expect((await keyed('shared', call(grantId), 'enforcer', '/v1/actions')).body.decision).toBe('permit');
  });

  it('may have 1 to 255 characters', async () => {
    expect((await keyed('x'.repeat(255))).status).toBe(201);
    for (const key of ['x'.repeat(256), '']) await refused(400, 'BAD_REQUEST', () => keyed(key));
  });

  it('is not used up by a malformed request', async () => {
    await refused(400, 'BAD_REQUEST', () => keyed('mended', { ...RUN, purpose: '' }));
    expect((await keyed('mended')).status).toBe(201);
  });
});

describe('a repeated change is a conflict', () => {
  it('for an outcome reported twice', async () => {
    const { grantId } = await openRun(stack);
    const permit = await post('enforcer', '/v1/actions', call(grantId));
    const path = `/v1/actions/${String(permit.body.actionId)}/outcome`;
    expect((await post('enforcer', path, { status: 'completed' })).status).toBe(200);
    await refused(409, 'ALREADY_SETTLED', () => post('enforcer', path, { status: 'failed' }));
  });

  it('for an approval decided twice', async () => {
    const asked = await post('orchestrator', '/v1/runs', { ...RUN, requireApproval: true });
    expect(asked.status).toBe(202);
    const path = `/v1/approvals/${(asked.body.approval as { id: string }).id}/decision`;
    expect((await post('approver', path, { verdict: 'deny', note: 'no' })).status).toBe(200);
    await refused(409, 'ALREADY_DECIDED', () => post('approver', path, { verdict: 'approve' }));
  });

  it('for a run completed twice', async () => {
    const { runId } = await openRun(stack);
    expect((await post('orchestrator', `/v1/runs/${runId}/completion`, {})).status).toBe(200);
    await refused(409, 'ALREADY_ENDED', () => post('orchestrator', `/v1/runs/${runId}/completion`, {}));
  });

  it('for a tenant created twice', async () => {
    const create = (id: string) => http(stack, 'POST', '/v1/tenants', { key: stack.installationKey, body: { id } });
    expect((await create('twice')).status).toBe(201);
    await refused(409, 'CONFLICT', () => create('twice'));
    await refused(409, 'CONFLICT', () => create('default'));
  });

  it('for a revocation whose blast radius has grown, with the current preview', async () => {
    const agent = { class: 'growing' };
    const selector = { agentClass: 'growing' };
    await post('orchestrator', '/v1/runs', { ...RUN, agent });
    const seen = await post('responder', '/v1/revocations/preview', { selector });
    await post('orchestrator', '/v1/runs', { ...RUN, agent });
    const body = { selector, reason: 'x', digest: seen.body.digest };
    const answer = await refused(409, 'BLAST_RADIUS_GREW', () => post('responder', '/v1/revocations', body));
    expect(answer.body.preview).toMatchObject({ counts: { grants: 2 } });
    const now = await post('responder', '/v1/revocations/preview', { selector });
    expect((await post('responder', '/v1/revocations', { ...body, digest: now.body.digest })).status).toBe(200);
  });
});

describe('a request that a rule forbids gets 403 with the code of the rule', () => {
  const child = { agent: { class: 'c' }, task: 't', grant: {} };

  it('for a child of a grant that is no longer live', async () => {
    const { grantId } = await openRun(stack);
    await post('responder', `/v1/grants/${grantId}/revocation`, { reason: 'x' });
    await refused(403, 'GRANT_NOT_LIVE', () => post('orchestrator', `/v1/grants/${grantId}/delegations`, child));
  });

  it('for a child of a grant that may not delegate', async () => {
    const { grantId } = await openRun(stack, { ...GRANT, delegation: { depth: 0, children: 0 } });
    await refused(403, 'DELEGATION_NOT_ALLOWED', () =>
      post('orchestrator', `/v1/grants/${grantId}/delegations`, child),
    );
  });

  it('for a run of a quarantined class', async () => {
    const selector = { agentClass: 'sick' };
    await post('responder', '/v1/revocations', { selector, reason: 'x', force: true, quarantine: true });
    await refused(403, 'QUARANTINED', () => post('orchestrator', '/v1/runs', { ...RUN, agent: { class: 'sick' } }));
  });

  it('for an escalation that asks for less', async () => {
    const { runId } = await openRun(stack);
    const want = { ...GRANT, budget: { ...GRANT.budget, calls: 1 } };
    await refused(403, 'ESCALATION_NARROWS', () =>
      post('orchestrator', `/v1/runs/${runId}/escalations`, { want, reason: 'x' }),
    );
  });
});
