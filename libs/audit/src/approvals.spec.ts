import { answers, askedFor, CAREFUL } from '@bailiwick/authority/testing/approvers';
import type { Event } from '@bailiwick/contracts/events/event';
import { SealedLog } from '@bailiwick/receipts/testing/sealed-log';
import { findings } from './testing/findings';

function answered(): SealedLog {
  const log = new SealedLog();
  answers(log, log.open(CAREFUL).grantId);
  return log;
}
const ofApprovals = (log: SealedLog, change: (event: Event) => object | undefined): string[] =>
  findings(log, change).filter((each) => each.startsWith('approval: '));

describe('the audit of approvals', () => {
  it('finds nothing in answers of several people, an approval of a target with its use and end, and an emergency', () => {
    expect(findings(answered())).toEqual([]);
  });

  it('finds a call that an approval of a target does not cover', () => {
    const log = answered();
    const { approvalId } = log.events.find((event) => event.type === 'ApprovalAnswered')?.data as {
      approvalId: string;
    };
    const covers = { verb: 'payment.send', resource: { type: 'account', id: 'other' } };
    expect(
      ofApprovals(log, (event) =>
        event.type === 'ApprovalGiven' && event.data.approvalId === approvalId ? { covers } : undefined,
      ),
    ).toEqual([`approval: ${approvalId} was given for another call`]);
  });

  it('finds the end of an approval that covers a single call', () => {
    const log = answered();
    const last = log.events.findLast((event) => event.type === 'ApprovalRequested');
    const approvalId = last?.type === 'ApprovalRequested' ? last.data.approvalId : '';
    expect(ofApprovals(log, (event) => (event.type === 'ApprovalWithdrawn' ? { approvalId } : undefined))).toContain(
      `approval: ${approvalId} is withdrawn, but covers no calls`,
    );
  });

  it('finds a request that another run than its own withdrew, and nothing if it was its own', () => {
    const log = new SealedLog();
    const { approvalId, runId } = askedFor(log);
    log.do('withdrawRequest', { approvalId, actor: { kind: 'run', id: runId } });
    expect(findings(log)).toEqual([]);
    const other = `run_0_${'0'.repeat(26)}`;
    expect(
      ofApprovals(log, (event) => {
        if (event.type !== 'ApprovalWithdrawn') return undefined;
        Object.assign(event.actor, { id: other });
        return {};
      }),
    ).toContain(`approval: ${approvalId} is withdrawn by ${other}, which did not ask for it`);
  });
});
