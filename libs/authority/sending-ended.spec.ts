import { judgeTrajectory } from '#trajectory/rules';
import { act, openTestRun, ROOMY, TestLog } from './testing/harness';

it.failing('ends a permit to send that has not begun when an outcome makes a secret known to its tree', () => {
  const log = new TestLog(judgeTrajectory);
  const { grantId } = openTestRun(log, { ...ROOMY, risk: { ceiling: 'high', approvalFrom: 'irreversible' } });
  const read = act(log, grantId, 'file.read').actionId as string;
  const sent = act(log, grantId, 'email.send').actionId as string;
  log.do('settle', { actionId: read, outcome: { status: 'completed', labels: ['read:secret'] } });
  expect(log.state.actions.has(sent)).toBe(false);
});
