import { act, delegateTestRun, ROOMY } from '@bailiwick/authority/testing/harness';
import { SealedLog } from '@bailiwick/receipts/testing/sealed-log';
import { findings } from './testing/findings';

describe('the audit of windows', () => {
  it('finds nothing after calls that cost more than was reserved, in a calendar window added with money in flight', () => {
    const log = new SealedLog();
    const { grantId } = log.open({ ...ROOMY, budget: { ...ROOMY.budget, cost: { USD: 5_000 } } });
    const [one, other] = [delegateTestRun(log, grantId).grantId, delegateTestRun(log, grantId).grantId];
    act(log, one, 'file.read', { cost: { USD: 10 } });
    const windows = [{ per: 'day' as const, timezone: 'Europe/Berlin', cost: { USD: 1_000 } }];
    log.do('narrow', { grantId, grant: { budget: { windows } } });
    const { actionId = '' } = act(log, one, 'file.read', { cost: { USD: 100 } });
    log.do('settle', { actionId, outcome: { status: 'completed', cost: { USD: 900 } } });
    expect(act(log, other, 'file.read', { cost: { USD: 101 } }).type).toBe('ActionDenied');
    act(log, other, 'file.read', { cost: { USD: 100 } });
    expect(findings(log)).toEqual([]);
  });
});
