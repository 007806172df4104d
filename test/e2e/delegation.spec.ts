import { ProblemError } from '@bailiwick/client/client';
import { http, Stack } from '../support/stack';
import { open, read, write } from './leases';

/** Covers the delegation API as an orchestrator uses it, against the real system. */
describe('an orchestrator', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.tenant();
  }, 120_000);
  afterAll(() => stack.stop());

  const refusalOf = async (promise: Promise<unknown>): Promise<ProblemError> =>
    promise.then(
      () => Promise.reject(new Error('it should have been refused')),
      (error: unknown) => error as ProblemError,
    );

  it('opens a run and gets its lease, its token and the position of the event', async () => {
    const { run, grant, token, position } = await open(stack.as('orchestrator'));
    expect(run).toMatchObject({ status: 'active', requestedBy: 'user:owner@example.com', grantId: grant.id });
    expect(grant).toMatchObject({ runId: run.id, treeId: run.treeId, depth: 0, status: 'active' });
    expect(grant.consumed).toMatchObject({ calls: 0, reads: 0, writes: 0, external: 0, cost: {} });
    expect(token.split('.')).toHaveLength(3);
    expect(position).toBeGreaterThan(0);
    expect(await stack.as('orchestrator').run(run.id)).toMatchObject({ id: run.id, status: 'active' });
  });

  it('delegates no more than it has: a refusal lists every widened dimension with both values', async () => {
    const root = await open(stack.as('orchestrator'));
    const agent = stack.as('orchestrator').as(root.token);
    const child = await agent.delegate(root.grant.id, {
      agent: { class: 'reader' },
      task: 'read the docs',
      grant: { actions: { allow: ['file.read'] }, budget: { calls: 5 } },
    });
    expect(child.grant).toMatchObject({ parentId: root.grant.id, depth: 1 });
    expect(child.grant.limits.budget.calls).toBe(5);
    expect(child.grant.limits.actions.deny).toEqual(['production.*']); // a child keeps every deny
    expect(child.grant.limits.delegation.depth).toBe(0); // 0 unless the request sets it

    const refused = await refusalOf(
      agent.delegate(root.grant.id, {
        agent: { class: 'greedy' },
        task: 'anything',
        grant: { actions: { allow: ['*'] }, budget: { calls: 9_999 }, risk: { ceiling: 'irreversible' } },
      }),
    );
    expect([refused.status, refused.code]).toEqual([403, 'GRANT_WIDENS_PARENT']);
    const paths = (refused.reasons as { path: string; limit: unknown; actual: unknown }[]).map((each) => each.path);
    expect(paths).toEqual(expect.arrayContaining(['actions.allow', 'budget.calls', 'risk.ceiling']));
  });

  it('gets a decision for each call; a denial lists the objecting limits as a tree', async () => {
    const { grant } = await open(stack.as('orchestrator'), { resources: [{ type: 'file', match: 'docs/**' }] });
    const enforcer = stack.as('enforcer');
    const permit = await enforcer.act(read(grant.id, 'docs/a.md'));
    expect(permit).toMatchObject({ decision: 'permit', obligations: expect.arrayContaining(['report-outcome']) });
    expect(permit.remaining.calls).toBe(999);
    const deny = await enforcer.act({ ...read(grant.id, 'src/a.ts'), action: { verb: 'production.read' } });
    expect(deny.decision).toBe('deny');
    const codes = JSON.stringify(deny.reasons);
    expect(codes).toContain('RESOURCE_NOT_ALLOWED');
    expect(codes).toContain('ACTION_DENIED');
    await enforcer.settle(permit.actionId, { status: 'completed', effects: { resources: ['docs/a.md'] } });
    const again = await refusalOf(enforcer.settle(permit.actionId, { status: 'completed' }));
    expect([again.status, again.code]).toEqual([409, 'ALREADY_SETTLED']);
  });

  it('retries with its idempotency key and gets the original response; nothing is charged twice', async () => {
    const { grant } = await open(stack.as('orchestrator'));
    const key = stack.keys.enforcer as string;
    const headers = { 'idempotency-key': 'the-same-try' };
    const first = await http(stack, 'POST', '/v1/actions', { key, headers, body: write(grant.id) });
    const second = await http(stack, 'POST', '/v1/actions', { key, headers, body: write(grant.id) });
    expect(first.status).toBe(200);
    expect(second.body).toEqual(first.body);
    expect((await stack.as('analyst').grant(grant.id)).consumed.calls).toBe(1);
    const other = await http(stack, 'POST', '/v1/actions', { key, headers, body: read(grant.id) });
    expect([other.status, other.body.code]).toEqual([409, 'IDEMPOTENCY_KEY_REUSED']);
  });

  it('gets a separate decision for each call of a batch, in order', async () => {
    const { grant } = await open(stack.as('orchestrator'), { budget: { calls: 3, reads: 3, writes: 0 } });
    const { answers } = await stack
      .as('enforcer')
      .actAll([read(grant.id), write(grant.id), read(grant.id), read(grant.id), read(grant.id)]);
    const decisions = answers.map((answer) => ('decision' in answer ? answer.decision : 'error'));
    expect(decisions).toEqual(['permit', 'deny', 'permit', 'permit', 'deny']);
  });

  it('sees a lease that reached its cap end, together with its descendants', async () => {
    const root = await open(stack.as('orchestrator'), { budget: { calls: 2, reads: 2 } });
    const agent = stack.as('orchestrator').as(root.token);
    const child = await agent.delegate(root.grant.id, {
      agent: { class: 'reader' },
      task: 'read',
      grant: { actions: { allow: ['file.read'] } },
    });
    const enforcer = stack.as('enforcer');
    for (let i = 0; i < 2; i++) expect((await enforcer.act(read(child.grant.id))).decision).toBe('permit');
    expect((await enforcer.act(read(child.grant.id))).decision).toBe('deny');
    expect((await stack.as('analyst').grant(root.grant.id)).status).toBe('exhausted');
    expect((await stack.as('analyst').grant(child.grant.id)).status).toBe('exhausted');
  });

  it('completes a run, which ends its lease and all descendants', async () => {
    const root = await open(stack.as('orchestrator'));
    const agent = stack.as('orchestrator').as(root.token);
    const child = await agent.delegate(root.grant.id, {
      agent: { class: 'reader' },
      task: 'read',
      grant: { actions: { allow: ['file.read'] } },
    });
    expect((await agent.complete(root.run.id)).run.status).toBe('completed');
    const denied = await stack.as('enforcer').act(read(child.grant.id));
    expect(denied.decision).toBe('deny');
    expect(JSON.stringify(denied.reasons)).toContain('GRANT_NOT_LIVE');
    const late = await refusalOf(agent.delegate(root.grant.id, { agent: { class: 'late' }, task: 'x', grant: {} }));
    expect([late.status, late.code]).toEqual([403, 'GRANT_NOT_LIVE']);
  });

  it('can use a token for its own run only: authority comes from the live grant, not from the token', async () => {
    const [one, two] = [await open(stack.as('orchestrator')), await open(stack.as('orchestrator'))];
    const agent = stack.as('orchestrator').as(one.token);
    expect((await agent.act(read(one.grant.id))).decision).toBe('permit');
    const foreign = await refusalOf(agent.act(read(two.grant.id)));
    expect([403, 404]).toContain(foreign.status);
    await stack.as('responder').revoke(one.grant.id, 'stop');
    expect((await agent.act(read(one.grant.id))).decision).toBe('deny');
  });
});
