import { deriveId } from '#kernel/derive-id';
import { preview } from './preview';
import { act, delegateTestRun, only, openTestRun, REF, ROOMY, TestLog, type Fields, type Told } from './testing/harness';

const PERSON = { kind: 'person', id: 'key:approver' } as const;

const asks = (log: TestLog, agentClass = 'qbot'): { approvalId: string; runId: string } => {
  const events = log.do('openRun', {
    agent: { class: agentClass },
    principalRef: REF,
    purposeRef: REF,
    grant: ROOMY,
    requireApproval: true,
  });
  const asked = only(events, 'ApprovalRequested');
  return { approvalId: asked.data.approvalId, runId: asked.runId as string };
};

let rules = 0;
function revoke(log: TestLog, selector: Fields<'revokeSelector'>['selector'], more: object = {}): string {
  const revocationId = deriveId('revocation', 0, `rule ${(rules += 1)}`);
  log.do('revokeSelector', { revocationId, selector, force: true, actor: PERSON, ...more });
  return revocationId;
}
const approve = (log: TestLog, approvalId: string): Told =>
  log.try('decideApproval', { approvalId, verdict: 'approve', actor: PERSON });

describe('a run that waits for a person, and a selector that matches it', () => {
  it.failing('is refused at the approval, with the revocation named', () => {
    const log = new TestLog();
    const { approvalId } = asks(log);
    const revocationId = revoke(log, { agentClass: 'qbot' });
    const told = approve(log, approvalId);
    const refused = only('events' in told ? told.events : [], 'Refused');
    expect(refused.data.reasons?.[0]).toMatchObject({ code: 'REVOKED_BY_RULE' });
    expect(refused.data.detail).toContain(revocationId);
  });

  it.failing('is counted by the preview', () => {
    const log = new TestLog();
    asks(log);
    expect(preview(log.state, { agentClass: 'qbot' }, log.now).counts).toMatchObject({
      grants: 0,
      pendingRuns: 1,
      pendingApprovals: 1,
    });
  });

  it.failing('is as old as its request: approved after the time that a later rule names, it is struck', () => {
    const log = new TestLog();
    const { approvalId } = asks(log);
    const incident = log.now + 60_000;
    log.now += 120_000;
    approve(log, approvalId);
    const grantId = [...log.state.grants.keys()][0] as string;
    revoke(log, { agentClass: 'qbot', issuedBefore: new Date(incident).toISOString() });
    expect(act(log, grantId, 'file.read').type).toBe('ActionDenied');
  });

  it.failing('a lease that was raised after the time that a rule names is as old as the one it superseded', () => {
    const log = new TestLog();
    const { runId } = openTestRun(log, ROOMY, 'qbot');
    const incident = log.now + 60_000;
    log.now += 120_000;
    const asked = log.do('escalate', { runId, want: { budget: { calls: 500 } } });
    approve(log, only(asked, 'ApprovalRequested').data.approvalId);
    revoke(log, { agentClass: 'qbot', issuedBefore: new Date(incident).toISOString() });
    expect(act(log, log.state.runs.get(runId)?.grantId as string, 'file.read').type).toBe('ActionDenied');
  });
});

describe('a rule that names a verb', () => {
  it.failing('denies that verb, and leaves the leases that could use it', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const child = delegateTestRun(log, grantId).grantId;
    revoke(log, { tool: 'deploy.run' });
    for (const id of [grantId, child]) {
      expect(act(log, id, 'deploy.run').type).toBe('ActionDenied');
      expect(act(log, id, 'file.read').type).toBe('ActionPermitted');
    }
  });
});
