import { act, only, ROOMY } from '@bailiwick/authority/testing/harness';
import type { Predicate } from '@bailiwick/contracts/receipts/receipt';
import { drift, DRIFTING } from './testing/drifting-run';
import { ANN, claimsOf, SealedLog, words } from './testing/sealed-log';

type Ended = Exclude<Predicate['ended'], null>;
interface Case {
  readonly of: string;
  /** plays the events and returns the run of the receipt */
  readonly story: (log: SealedLog) => string;
  readonly reason: RegExp;
  readonly by: string;
  /** the type of the ending event */
  readonly type: string;
  readonly revocationId?: boolean;
}

/** Opens a root run, its child and its grandchild. */
function line(log: SealedLog): {
  root: ReturnType<SealedLog['open']>;
  middle: ReturnType<SealedLog['child']>;
  leaf: ReturnType<SealedLog['child']>;
} {
  const root = log.open();
  const middle = log.child(
    root.grantId,
    { delegation: { depth: 1, children: 1, classes: ['*'] } },
    { agent: { class: 'middle' } },
  );
  return { root, middle, leaf: log.child(middle.grantId) };
}

const ENDS: readonly Case[] = [
  {
    of: 'a run that reported its work done',
    story(log) {
      const { runId } = log.open();
      log.do('completeRun', { runId, actor: { kind: 'run', id: runId } });
      return runId;
    },
    reason: /^completed: the run reported its work done$/,
    by: 'run_',
    type: 'RunCompleted',
  },
  {
    of: 'a run whose lease expired',
    story(log) {
      const { runId } = log.open({ ...ROOMY, time: { ttl: '1h' } });
      log.now += 3_600_000;
      log.tickAll();
      return runId;
    },
    reason: /^expired: its time was over$/,
    by: 'key:test',
    type: 'GrantExpired',
  },
  {
    of: 'a run that used up a count',
    story(log) {
      const { runId, grantId } = log.open({ ...ROOMY, budget: { ...ROOMY.budget, calls: 1 } });
      act(log, grantId, 'file.read');
      return runId;
    },
    reason: /^exhausted: budget.calls used up$/,
    by: 'key:test',
    type: 'GrantExhausted',
  },
  {
    of: 'a run that spent more than it had reserved',
    story(log) {
      const { runId, grantId } = log.open();
      log.do('settle', {
        actionId: act(log, grantId, 'file.read', { cost: { USD: 1 } }).actionId as string,
        outcome: { status: 'completed', cost: { USD: 2 } },
      });
      return runId;
    },
    reason: /^exhausted: an action cost more/,
    by: 'key:test',
    type: 'GrantExhausted',
  },
  {
    of: 'a run that was revoked',
    story(log) {
      const { runId, grantId } = log.open();
      log.do('revokeGrant', { grantId, actor: ANN, payload: words({ note: 'enough' }) });
      return runId;
    },
    reason: /^revoked: revoked by person:ann$/,
    by: 'person:ann',
    type: 'GrantRevoked',
    revocationId: true,
  },
  {
    of: 'a run whose root was revoked',
    story(log) {
      const { root, leaf } = line(log);
      log.do('revokeGrant', { grantId: root.grantId, actor: ANN });
      return leaf.runId;
    },
    reason: /^revoked with the run above it \(run_0_\w{26}\): revoked by person:ann$/,
    by: 'person:ann',
    type: 'GrantRevoked',
    revocationId: true,
  },
  {
    of: 'a run whose parent completed before it',
    story(log) {
      const { middle, leaf } = line(log);
      log.do('completeRun', { runId: middle.runId });
      return leaf.runId;
    },
    reason: /^completed with the run above it \(run_/,
    by: 'key:test',
    type: 'RunCompleted',
  },
  {
    of: 'a run whose ancestor was used up by another run',
    story(log) {
      const root = log.open({ ...ROOMY, budget: { ...ROOMY.budget, reads: 1 } });
      const child = log.child(root.grantId, { budget: { reads: 1, calls: 9 } });
      act(log, root.grantId, 'file.read');
      return child.runId;
    },
    reason: /^exhausted with the run above it \(run_/,
    by: 'key:test',
    type: 'GrantExhausted',
  },
  {
    of: 'a run that a rule struck',
    story(log) {
      const { leaf } = line(log);
      log.strike({ agentClass: 'helper' });
      return leaf.runId;
    },
    reason: /^revoked: revoked by person:ann$/,
    by: 'person:ann',
    type: 'RevocationRuleAdded',
    revocationId: true,
  },
  {
    of: 'a run that a rule struck by its class in another case',
    story(log) {
      const { leaf } = line(log);
      log.strike({ agentClass: 'HELPER' });
      return leaf.runId;
    },
    reason: /^revoked: revoked by person:ann$/,
    by: 'person:ann',
    type: 'RevocationRuleAdded',
    revocationId: true,
  },
  {
    of: 'a run whose ancestor a rule struck',
    story(log) {
      const { leaf } = line(log);
      log.strike({ agentClass: 'middle' });
      return leaf.runId;
    },
    reason: /^revoked: revoked by person:ann$/,
    by: 'person:ann',
    type: 'RevocationRuleAdded',
    revocationId: true,
  },
  {
    of: 'a run that a quarantine struck',
    story(log) {
      const { root, leaf } = line(log);
      const selector = { agentClass: 'helper', treeId: root.treeId };
      const revocationId = `rev_0_${'q'.repeat(26)}`;
      log.do('revokeSelector', { revocationId, selector, quarantine: true, force: true, actor: ANN });
      return leaf.runId;
    },
    reason: /^revoked: /,
    by: 'person:ann',
    type: 'RevocationRuleAdded',
    revocationId: true,
  },
  {
    of: 'a run whose whole tree a rule struck',
    story(log) {
      const { root, leaf } = line(log);
      log.strike({ treeId: root.treeId });
      return leaf.runId;
    },
    reason: /^revoked: /,
    by: 'person:ann',
    type: 'RevocationRuleAdded',
    revocationId: true,
  },
  {
    of: 'a run that was suspended and then expired',
    story(log) {
      const { runId, grantId } = log.open({ ...ROOMY, time: { ttl: '1h' } });
      log.do('suspend', { grantId, reasonCode: 'LOOK', actor: ANN });
      log.now += 3_600_000;
      log.tickAll();
      return runId;
    },
    reason: /^expired: its time was over$/,
    by: 'key:test',
    type: 'GrantExpired',
  },
  {
    of: 'a run that drifted, was suspended and then revoked',
    story(log) {
      const { runId, grantId } = log.open(DRIFTING);
      drift(log, runId);
      log.do('revokeGrant', { grantId, actor: ANN });
      return runId;
    },
    reason: /^revoked: /,
    by: 'person:ann',
    type: 'GrantRevoked',
    revocationId: true,
  },
  {
    of: 'a run whose raised lease was used up',
    story(log) {
      const { runId } = log.open({ ...ROOMY, budget: { ...ROOMY.budget, calls: 1, reads: 5 } });
      log.do('escalate', { runId, want: { budget: { calls: 2 } }, payload: words({ reason: 'one more' }) });
      const { approvalId } = log.last('ApprovalRequested').data;
      const raised = only(log.do('decideApproval', { approvalId, verdict: 'approve', actor: ANN }), 'GrantIssued');
      act(log, raised.grantId as string, 'file.read');
      act(log, raised.grantId as string, 'file.read');
      return runId;
    },
    reason: /^exhausted: budget.calls used up$/,
    by: 'key:test',
    type: 'GrantExhausted',
  },
  {
    of: 'a run that completed after a denied escalation',
    story(log) {
      const { runId } = log.open();
      log.do('escalate', { runId, want: { budget: { calls: 200 } }, payload: words({ reason: 'more' }) });
      const { approvalId } = log.last('ApprovalRequested').data;
      log.do('decideApproval', { approvalId, verdict: 'deny', actor: ANN });
      log.do('completeRun', { runId, actor: { kind: 'run', id: runId } });
      return runId;
    },
    reason: /^completed: /,
    by: 'run_',
    type: 'RunCompleted',
  },
  {
    of: 'a run whose lease a person refused',
    story(log) {
      const { runId } = log.open(ROOMY, { requireApproval: true });
      log.do('decideApproval', {
        approvalId: log.last('ApprovalRequested').data.approvalId,
        verdict: 'deny',
        actor: ANN,
        payload: words({ note: 'not today' }),
      });
      return runId;
    },
    reason: /^refused: a person denied the lease$/,
    by: 'person:ann',
    type: 'ApprovalGiven',
  },
  {
    of: 'a run whose lease request expired',
    story(log) {
      const { runId } = log.open(ROOMY, { requireApproval: true });
      log.now += 25 * 3_600_000;
      log.tickAll();
      return runId;
    },
    reason: /^refused: \w+ answered the request for a lease in time$/,
    by: 'key:test',
    type: 'ApprovalExpired',
  },
];

describe('the end in a receipt', () => {
  it.each(ENDS)('is stated with its reason, time and actor: $of', ({ story, reason, by, type, revocationId }) => {
    const log = new SealedLog();
    const runId = story(log);
    const ended = claimsOf(log, runId).ended as Ended;
    expect(ended.reason).toMatch(reason);
    expect(ended.by.startsWith(by)).toBe(true);
    const event = log.events[ended.position];
    expect(event).toMatchObject({ type, time: ended.at });
    expect(ended.revocationId !== undefined).toBe(revocationId === true);
  });

  it.each(ENDS)('does not change through later events of other runs: $of', ({ story }) => {
    const log = new SealedLog();
    const runId = story(log);
    const before = claimsOf(log, runId);
    const other = log.open(ROOMY, { agent: { class: 'helper' } });
    act(log, other.grantId, 'file.read');
    log.strike({ agentClass: 'worker' });
    log.strike({ tool: 'file.read' });
    expect(claimsOf(log, runId)).toEqual(before);
  });

  it('is null while the run continues, even after a suspension, a resume or an escalation', () => {
    const log = new SealedLog();
    const { runId, grantId } = log.open();
    expect(claimsOf(log, runId).ended).toBeNull();
    log.do('suspend', { grantId, reasonCode: 'LOOK', actor: ANN });
    expect(claimsOf(log, runId).ended).toBeNull();
    log.do('resume', { grantId, reasonCode: 'LOOKED', actor: ANN });
    log.do('escalate', { runId, want: { budget: { calls: 500 } } });
    expect(claimsOf(log, runId)).toMatchObject({
      ended: null,
      approvals: [{ kind: 'escalation', verdict: 'pending' }],
    });
  });

  it('is null while the run waits for its lease', () => {
    const log = new SealedLog();
    const { runId } = log.open(ROOMY, { requireApproval: true });
    expect(claimsOf(log, runId)).toMatchObject({
      ended: null,
      grants: [],
      approvals: [{ kind: 'grant', verdict: 'pending' }],
    });
  });

  it('is that of the raised lease if the lease was raised', () => {
    const log = new SealedLog();
    const { runId, grantId } = log.open();
    log.do('escalate', { runId, want: { budget: { calls: 500 } }, payload: words({ reason: 'more' }) });
    const issued = only(
      log.do('decideApproval', {
        approvalId: log.last('ApprovalRequested').data.approvalId,
        verdict: 'approve',
        actor: ANN,
      }),
      'GrantIssued',
    );
    const open = claimsOf(log, runId);
    expect(open.ended).toBeNull();
    expect(open.grants.map(({ id, supersedes }) => [id, supersedes])).toEqual([
      [grantId, undefined],
      [issued.grantId, grantId],
    ]);
    log.do('revokeGrant', { grantId, actor: ANN });
    expect(claimsOf(log, runId).ended).toMatchObject({
      reason: 'revoked: revoked by person:ann',
      position: log.events.length - 1,
    });
  });

  it('is the first of several', () => {
    const log = new SealedLog();
    const { root, middle, leaf } = line(log);
    log.do('completeRun', { runId: leaf.runId });
    const at = log.events.length - 1;
    log.do('revokeGrant', { grantId: middle.grantId, actor: ANN });
    log.do('revokeGrant', { grantId: root.grantId, actor: ANN });
    expect(claimsOf(log, leaf.runId)).toMatchObject({ ended: { position: at }, revoked: [] });
    expect(claimsOf(log, middle.runId)).toMatchObject({
      ended: { position: at + 1, reason: 'revoked: revoked by person:ann' },
    });
  });
});
