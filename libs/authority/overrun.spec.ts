import { act, delegateTestRun, openTestRun, TestLog } from './testing/harness';

const BASE = {
  actions: { allow: ['*'] },
  resources: [{ type: '*', match: '**' }],
  budget: { calls: 100, reads: 100, writes: 100, external: 100, cost: { USD: 10_000 } },
  delegation: { depth: 5, children: 10, classes: ['*'] },
};

describe('the outcome of an action that cost more than was reserved', () => {
  it.failing('it does not end the tree when a child reports a currency that its lease does not name', () => {
    const log = new TestLog();
    const root = openTestRun(log, BASE);
    const child = delegateTestRun(log, root.grantId, { budget: { calls: 1, reads: 1, cost: {} } });
    const sibling = delegateTestRun(log, root.grantId, { budget: { calls: 5, reads: 5, cost: { USD: 10 } } });
    const permit = act(log, child.grantId, 'file.read');
    log.do('settle', {
      actionId: permit.actionId as string,
      outcome: { status: 'completed', cost: { XXX: 1 } },
      actor: { kind: 'run', id: child.runId },
    });
    expect(log.state.grants.get(root.grantId)?.status).toBe('active');
    expect(act(log, sibling.grantId, 'file.read').type).toBe('ActionPermitted');
  });
});
