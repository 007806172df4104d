import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import { grantView } from '../presentation/views';
import type { GrantNode } from '../state/state';
import { only, openTestRun, REF, ROOMY, TestLog } from '../testing/harness';
import { deploy, manifests } from '../testing/policies';
import { askedBeyond } from './limited-by';

const HOURS = { days: ['mon' as const, 'fri' as const], from: '08:00', until: '18:00', timezone: 'Europe/Berlin' };
const viewOf = (log: TestLog, grantId: string): string | undefined =>
  grantView(log.state, log.state.grants.get(grantId) as GrantNode, log.now).manifest;

describe('the view of a grant', () => {
  it('states where the version in force allows less than the lease', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    expect(viewOf(log, grantId)).toBeUndefined();
    deploy(log, manifests({ class: 'worker', most: { budget: { calls: 3 }, risk: { ceiling: 'medium' } } }));
    expect(viewOf(log, grantId)).toBe('version 1 of the policy allows less than stated: budget.calls, risk.ceiling');
    deploy(log, manifests({ class: 'worker', hours: HOURS }));
    expect(viewOf(log, grantId)).toBe('acts only mon, fri from 08:00 until 18:00 in Europe/Berlin');
    deploy(log, manifests({ class: 'other' }));
    expect(viewOf(log, grantId)).toContain('has no manifest of the class worker');
    log.do('revokeGrant', { grantId });
    expect(viewOf(log, grantId)).toBeUndefined();
  });
});

describe('the card of a lease', () => {
  const card = (log: TestLog, grant: GrantRequest): string | undefined => {
    const fields = { agent: { class: 'worker' }, principalRef: REF, purposeRef: REF, grant, requireApproval: true };
    const { approvalId } = only(log.do('openRun', fields), 'ApprovalRequested').data;
    const approval = log.state.approvals.get(approvalId);
    return approval && askedBeyond(log.state, approval, log.now);
  };

  it('states that an approval goes beyond the manifest, and what the hours of the class are', () => {
    const log = new TestLog();
    deploy(log, manifests({ class: 'worker', most: { budget: { calls: 3 } }, hours: HOURS, beyond: 'ask' }));
    expect(card(log, ROOMY)).toBe(
      'its manifest in version 1 of the policy allows less: budget.calls; an approval allows it beyond its manifest; anything except mon, fri from 08:00 until 18:00 in Europe/Berlin',
    );
    expect(card(log, { ...ROOMY, budget: { calls: 3 } })).toMatch(/^anything except mon, fri/);
  });

  it('states that a request cannot be approved once another version allows less', () => {
    const log = new TestLog();
    const fields = {
      agent: { class: 'worker' },
      principalRef: REF,
      purposeRef: REF,
      grant: ROOMY,
      requireApproval: true,
    };
    const { approvalId } = only(log.do('openRun', fields), 'ApprovalRequested').data;
    deploy(log, manifests({ class: 'worker', most: { budget: { calls: 3 } }, beyond: 'ask' }));
    const approval = log.state.approvals.get(approvalId);
    expect(approval && askedBeyond(log.state, approval, log.now)).toBe(
      'its manifest in version 1 of the policy allows less: budget.calls; so it cannot be approved',
    );
  });
});
