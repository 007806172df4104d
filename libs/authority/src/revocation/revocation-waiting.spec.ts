import type { Event } from '@bailiwick/contracts/events/event';
import { upcast } from '@bailiwick/contracts/events/upcast';
import { deriveId } from '@bailiwick/core/derive-id';
import { approvalStatus } from '../presentation/approval-status';
import { preview } from './blast-radius';
import { stateDigest } from '../state/digest';
import { fromSnapshot, toSnapshot } from '../state/snapshot';
import type { ApprovalNode, RunNode } from '../state/state';
import {
  act,
  delegateTestRun,
  only,
  openTestRun,
  REF,
  ROOMY,
  TestLog,
  type Fields,
  type CommandResult,
} from '../testing/harness';
import { runView } from '../presentation/views';

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
const approve = (log: TestLog, approvalId: string): CommandResult =>
  log.try('decideApproval', { approvalId, verdict: 'approve', actor: PERSON });

describe('a pending run that a selector matches', () => {
  it('is refused at the approval, naming the revocation', () => {
    const log = new TestLog();
    const { approvalId } = asks(log);
    const revocationId = revoke(log, { agentClass: 'qbot' });
    const result = approve(log, approvalId);
    const refused = only('events' in result ? result.events : [], 'Refused');
    expect(refused.data.reasons?.[0]).toMatchObject({ code: 'REVOKED_BY_RULE' });
    expect(refused.data.detail).toContain(revocationId);
  });

  it('is counted in the preview', () => {
    const log = new TestLog();
    asks(log);
    expect(preview(log.state, { selector: { agentClass: 'qbot' } }, log.now).counts).toMatchObject({
      grants: 0,
      pendingRuns: 1,
      pendingApprovals: 1,
    });
  });

  it('is as old as its request: a rule strikes it even if it was approved after the time in the rule', () => {
    const log = new TestLog();
    const { approvalId } = asks(log);
    const incident = log.now + 60_000;
    log.now += 120_000;
    approve(log, approvalId);
    const grantId = [...log.state.grants.keys()][0] as string;
    revoke(log, { agentClass: 'qbot', issuedBefore: new Date(incident).toISOString() });
    expect(act(log, grantId, 'file.read').type).toBe('ActionDenied');
  });

  it('gives a raised lease the age of the one it superseded', () => {
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
  it('denies that verb, and leaves the leases that could use it live', () => {
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

describe('pending requests and revocations', () => {
  const denied = (result: CommandResult): string =>
    'events' in result ? only(result.events, 'Refused').data.code : result.refusal.code;

  it.each<[string, Fields<'revokeSelector'>['selector']]>([
    ['its class in another spelling', { agentClass: 'QBOT' }],
    ['the principal', { principalRef: REF }],
    ['the purpose', { purposeRef: REF }],
    ['a time in the future', { issuedBefore: '2027-01-01T00:00:00.000Z' }],
    ['class and time', { agentClass: 'qbot', issuedBefore: '2026-06-01T00:00:00.000Z' }],
  ])('refuses a request after a rule by %s', (_what, selector) => {
    const log = new TestLog();
    const { approvalId, runId } = asks(log);
    const revocationId = revoke(log, selector);
    expect(denied(approve(log, approvalId))).toBe('GRANT_NOT_LIVE');
    const approval = log.state.approvals.get(approvalId) as ApprovalNode;
    expect(approvalStatus(log.state, approval, log.now)).toBe('revoked');
    const run = runView(log.state, log.state.runs.get(runId) as RunNode, { purpose: null, requestedBy: null }, log.now);
    expect(run).toMatchObject({ status: 'revoked', endReason: expect.stringContaining(revocationId) as string });
  });

  it('refuses a request after a rule that names its tree', () => {
    const log = new TestLog();
    const { approvalId } = asks(log);
    revoke(log, { treeId: log.state.approvals.get(approvalId)?.treeId });
    expect(denied(approve(log, approvalId))).toBe('GRANT_NOT_LIVE');
  });

  it.each<[string, Fields<'revokeSelector'>['selector']]>([
    ['another class', { agentClass: 'other' }],
    ['a time before the request', { agentClass: 'qbot', issuedBefore: '2025-01-01T00:00:00.000Z' }],
    ['a tool, which is denied without ending a lease', { tool: 'file.read' }],
  ])('approves a request after a rule by %s', (_what, selector) => {
    const log = new TestLog();
    const { approvalId } = asks(log);
    revoke(log, selector);
    expect(approve(log, approvalId)).toMatchObject({ events: expect.anything() as unknown });
  });

  it('approves a request made after the rule, whose run may act', () => {
    const log = new TestLog();
    revoke(log, { agentClass: 'qbot' });
    log.now += 1;
    const { approvalId } = asks(log);
    const result = approve(log, approvalId) as { events: Event[] };
    expect(act(log, only(result.events, 'GrantIssued').grantId as string, 'file.read').type).toBe('ActionPermitted');
  });

  it('keeps a request revoked after its quarantine is lifted', () => {
    const log = new TestLog();
    const { approvalId } = asks(log);
    const revocationId = revoke(log, { agentClass: 'qbot' }, { quarantine: true });
    log.do('liftQuarantine', { revocationId, actor: PERSON });
    expect(denied(approve(log, approvalId))).toBe('GRANT_NOT_LIVE');
  });

  it('lets a revoked request be denied or expire', () => {
    const log = new TestLog();
    const [one, two] = [asks(log), asks(log)];
    revoke(log, { agentClass: 'qbot' });
    log.do('decideApproval', { approvalId: one.approvalId, verdict: 'deny', actor: PERSON });
    log.now += 25 * 3_600_000;
    log.tickAll();
    expect(log.state.runs.get(two.runId)?.status ?? 'refused').toBe('refused');
  });

  it.each([
    ['an escalation of a child, after its parent was revoked', 'escalation'],
    ['a step-up of a child, after its parent was revoked', 'action'],
  ])('refuses %s, and shows it as revoked', (_what, kind) => {
    const log = new TestLog();
    const root = openTestRun(log, { ...ROOMY, risk: { approvalFrom: 'low' } });
    const child = delegateTestRun(log, root.grantId, { budget: { calls: 5 } });
    if (kind === 'escalation') log.do('escalate', { runId: child.runId, want: { budget: { calls: 6 } } });
    else act(log, child.grantId, 'file.write');
    const approval = [...log.state.approvals.values()].at(-1) as ApprovalNode;
    expect(approval.kind).toBe(kind);
    log.do('revokeGrant', { grantId: root.grantId, actor: PERSON });
    expect(approvalStatus(log.state, approval, log.now)).toBe('revoked');
    expect(denied(approve(log, approval.id))).toBe('GRANT_NOT_LIVE');
  });

  it('refuses to raise a lease to a tool whose leases a rule ended, for pending and for later requests', () => {
    const log = new TestLog();
    const { runId } = openTestRun(log, { ...ROOMY, actions: { allow: ['file.*'] } });
    const want = { actions: { allow: ['deploy.run'] } };
    const asked = only(log.do('escalate', { runId, want }), 'ApprovalRequested');
    revoke(log, { tool: 'deploy.run' }, { target: 'leases' });
    expect(denied(approve(log, asked.data.approvalId))).toBe('GRANT_NOT_LIVE');
    expect(denied(log.try('escalate', { runId, want }))).toBe('GRANT_NOT_LIVE');
  });

  it('refuses a revocation if a request was made after the preview', () => {
    const log = new TestLog();
    const selector = { agentClass: 'qbot' };
    const { digest, asOf } = preview(log.state, { selector }, log.now);
    asks(log);
    const command = { revocationId: deriveId('revocation', 0, 'late'), selector, previewed: { digest, asOf } };
    expect(log.try('revokeSelector', { ...command, actor: PERSON })).toMatchObject({
      refusal: { code: 'BLAST_RADIUS_GREW' },
    });
  });
});

describe('a denied tool', () => {
  it.each([
    ['deploy.run', 'deploy.run', undefined],
    ['DEPLOY.Run', 'deploy.run', undefined],
    ['deploy.run', ' Deploy.RUN', undefined],
    ['deploy.run', 'file.read', 'deploy.run'],
    ['Mailer', 'file.read', 'MAILER '],
    ['mailer', 'mailer', undefined],
    ['send mail', 'file.read', 'Send Mail'],
  ])(
    'under the name %j cannot be used as verb %j with tool %j by a lease, a child or a later child',
    (named, verb, tool) => {
      const log = new TestLog();
      const { grantId } = openTestRun(log);
      const child = delegateTestRun(log, grantId).grantId;
      const revocationId = revoke(log, { tool: named });
      const later = delegateTestRun(log, grantId).grantId;
      for (const id of [grantId, child, later]) {
        const denial = act(log, id, verb, { action: { verb, tool } });
        expect(denial.type).toBe('ActionDenied');
        expect(JSON.stringify(denial.data.reasons)).toContain(revocationId);
        expect(act(log, id, 'doc.read').type).toBe('ActionPermitted');
      }
      expect(act(log, openTestRun(log).grantId, verb, { action: { verb, tool } }).type).toBe('ActionPermitted');
    },
  );

  it('is denied to new leases while it is in quarantine, without refusing them', () => {
    const log = new TestLog();
    const old = openTestRun(log).grantId;
    const revocationId = revoke(log, { tool: 'deploy.run' }, { quarantine: true });
    log.now += 1;
    const fresh = openTestRun(log).grantId;
    const types = () => [old, fresh].map((id) => act(log, id, 'deploy.run').type);
    expect(types()).toEqual(['ActionDenied', 'ActionDenied']);
    log.do('liftQuarantine', { revocationId, actor: PERSON });
    expect(types()).toEqual(['ActionDenied', 'ActionPermitted']);
    expect(stateDigest(fromSnapshot(toSnapshot(log.state)))).toBe(stateDigest(log.state));
  });

  it('is denied to a run that was raised or approved after the rule', () => {
    const log = new TestLog();
    const { approvalId } = asks(log);
    revoke(log, { tool: 'deploy.run' });
    const result = approve(log, approvalId) as { events: Event[] };
    expect(act(log, only(result.events, 'GrantIssued').grantId as string, 'deploy.run').type).toBe('ActionDenied');
  });

  it('refuses the approval of a pending call of the tool, but of no other call', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, risk: { approvalFrom: 'low' } });
    const waiting = (verb: string): string => {
      act(log, grantId, verb);
      return ([...log.state.approvals.values()].at(-1) as ApprovalNode).id;
    };
    const [deploy, write] = [waiting('deploy.run'), waiting('file.write')];
    expect(preview(log.state, { selector: { tool: 'deploy.run' } }, log.now).counts.pendingApprovals).toBe(1);
    revoke(log, { tool: 'deploy.run' });
    expect(JSON.stringify(approve(log, deploy))).toContain('GRANT_NOT_LIVE');
    expect(JSON.stringify(approve(log, write))).toContain('ApprovalGiven');
  });

  it('is previewed with the leases that would lose it and those that would end', () => {
    const log = new TestLog();
    const root = openTestRun(log, { ...ROOMY, actions: { allow: ['deploy.*', 'file.*'] } });
    delegateTestRun(log, root.grantId, { actions: { allow: ['file.read'] } });
    openTestRun(log, { ...ROOMY, actions: { allow: ['file.*'] } });
    act(log, root.grantId, 'deploy.run');
    act(log, root.grantId, 'file.read');
    const { counts, target, targets } = preview(log.state, { selector: { tool: 'deploy.run' } }, log.now);
    expect(target).toBe('tool');
    expect(counts).toMatchObject({ grants: 1, inFlight: 1 });
    expect(targets?.leases).toMatchObject({ grants: 2, inFlight: 2 });
  });

  it('ends the leases that could use it if the target states so', () => {
    const log = new TestLog();
    const able = openTestRun(log).grantId;
    const other = openTestRun(log, { ...ROOMY, actions: { allow: ['file.*'] } }).grantId;
    revoke(log, { tool: 'deploy.run' }, { target: 'leases' });
    expect([able, other].map((id) => act(log, id, 'file.read').type)).toEqual(['ActionDenied', 'ActionPermitted']);
  });

  it.each<[string, Pick<Fields<'revokeSelector'>, 'selector' | 'target'>, string?]>([
    ['a target without a tool', { selector: { agentClass: 'x' }, target: 'tool' }],
    ['a pattern, which cannot name a tool', { selector: { tool: 'deploy.*' } }, 'PATTERN_INVALID'],
    ['a name without a visible character', { selector: { tool: '\u200b' } }],
  ])('refuses %s', (_what, fields, code = 'BAD_REQUEST') => {
    const log = new TestLog();
    const revocationId = deriveId('revocation', 0, 'x');
    expect(log.try('revokeSelector', { revocationId, force: true, actor: PERSON, ...fields })).toMatchObject({
      refusal: { code },
    });
  });

  it('ended leases in the first release, and still does in an event of that release', () => {
    const event = { type: 'RevocationRuleAdded', data: { selector: { tool: 'deploy.run' } } };
    expect(upcast(event)).toMatchObject({ v: 2, data: { target: 'leases' } });
    expect(upcast({ type: 'RevocationRuleAdded', data: { selector: {} } })).not.toHaveProperty('data.target');
  });
});
