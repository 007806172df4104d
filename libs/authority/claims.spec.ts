import type { Effect } from '#contracts/grant';
import { judgeTrajectory } from '#trajectory/rules';
import { act, openTestRun, ROOMY, TestLog, type Fields } from './testing/harness';

/** The call as a run makes it with its own token: no enforcement point has seen it. */
export const byRun = (runId: string): Pick<Fields<'authorize'>, 'actor' | 'proof'> => ({
  actor: { kind: 'run', id: runId },
  proof: { vouched: false },
});
const BUDGET = { ...ROOMY.budget };

describe('what a run states of its own call', () => {
  it.failing.each([
    'db.drop_table',
    'crm.purge',
    'ledger.rewrite',
    'cluster.scale',
    'queue.flush',
    'device.reboot',
    'invoice.void',
    'user.ban',
    'flag.toggle',
    'index.rebuild',
    'drive.wipe',
    'cache.evict',
    'order.amend',
  ])('does not make the unknown verb %s a read', (verb) => {
    const log = new TestLog(judgeTrajectory);
    const { grantId, runId } = openTestRun(log, {
      ...ROOMY,
      actions: { allow: ['*'], mode: 'draft' },
      budget: { ...BUDGET, writes: 0 },
    });
    const decided = act(log, grantId, verb, { ...byRun(runId), action: { verb, effect: 'read', risk: 'low' } });
    expect(decided.type).toBe('ActionDenied');
    expect(decided.data.charge).toMatchObject({ writes: 1, reads: 1 });
  });

  it.failing.each<[string, Effect, Partial<typeof BUDGET>]>([
    ['repo.commit', 'external', { writes: 0 }],
    ['repo.read', 'write', { reads: 0 }],
  ])('does not choose the counter that %s called %s is charged to', (verb, effect, none) => {
    const log = new TestLog(judgeTrajectory);
    const { grantId, runId } = openTestRun(log, { ...ROOMY, budget: { ...BUDGET, ...none } });
    expect(act(log, grantId, verb, { ...byRun(runId), action: { verb, effect } }).type).toBe('ActionDenied');
  });
});
