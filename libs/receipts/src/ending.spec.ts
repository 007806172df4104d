import { act, only, ROOMY } from '@bailiwick/authority/testing/harness';
import type { GrantRequest } from '@bailiwick/contracts/grant';
import type { Predicate } from '@bailiwick/contracts/receipt';
import { ANN, claimsOf, SealedLog, words } from './testing/sealed-log';

type Ended = Exclude<Predicate['ended'], null>;
interface Case {
  readonly of: string;
  /** what happens; the run whose receipt is made */
  readonly story: (log: SealedLog) => string;
  readonly reason: RegExp;
  readonly by: string;
  /** the type of the event that ended it */
  readonly type: string;
  readonly revocationId?: boolean;
}

/** A run below a run below a root. */
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

const DRIFTING: GrantRequest = { ...ROOMY, purpose: { onDrift: { stepUpAt: 0.6, suspendAt: 0.85 } } };
function drift(log: SealedLog, runId: string): void {
  log.do('recordDrift', {
    runId,
    score: 0.9,
    features: [],
    monitor: 'test',
    actor: { kind: 'system', id: 'intent' },
  });
}

const ENDS: readonly Case[] = [
  {
    of: 'that reported its work done',
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
    of: 'whose time was over',
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
    of: 'that used up a count',
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
    of: 'that spent more than it had said',
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
    of: 'that was revoked',
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
    of: 'whose root was revoked',
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
    of: 'whose parent completed before it',
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
    of: 'whose ancestor was used up by another',
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
    of: 'that a rule struck',
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
    of: 'that a rule struck which names its class in another case',
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
    of: 'above which a rule struck',
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
    of: 'that a quarantine struck',
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
    of: 'whose whole tree a rule struck',
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
    of: 'that was suspended, and whose time was over before anybody looked',
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
    of: 'that drifted, was suspended, and then revoked',
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
    of: 'whose raised lease was used up',
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
    of: 'whose escalation was denied, and that completed all the same',
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
    of: 'whose lease a person refused',
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
    of: 'whose lease nobody answered',
    story(log) {
      const { runId } = log.open(ROOMY, { requireApproval: true });
      log.now += 25 * 3_600_000;
      log.tickAll();
      return runId;
    },
    reason: /^refused: nobody answered the request for a lease in time$/,
    by: 'key:test',
    type: 'ApprovalExpired',
  },
];

describe('the receipt of a run', () => {
  it.each(ENDS)(
    '$of verifies, and says how, when and by whom it ended',
    ({ story, reason, by, type, revocationId }) => {
      const log = new SealedLog();
      const runId = story(log);
      const ended = claimsOf(log, runId).ended as Ended;
      expect(ended.reason).toMatch(reason);
      expect(ended.by.startsWith(by)).toBe(true);
      const event = log.events[ended.position];
      expect(event).toMatchObject({ type, time: ended.at });
      expect(ended.revocationId !== undefined).toBe(revocationId === true);
    },
  );

  it.each(ENDS)('$of is the same however much happens to others afterwards', ({ story }) => {
    const log = new SealedLog();
    const runId = story(log);
    const before = claimsOf(log, runId);
    const other = log.open(ROOMY, { agent: { class: 'helper' } });
    act(log, other.grantId, 'file.read');
    log.strike({ agentClass: 'worker' });
    log.strike({ tool: 'file.read' });
    expect(claimsOf(log, runId)).toEqual(before);
  });

  it('that goes on has no end, whatever was suspended, resumed or asked for', () => {
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

  it('says who stopped it, why, and whether it was let go on', () => {
    const log = new SealedLog();
    const { runId, grantId } = log.open(DRIFTING);
    drift(log, runId);
    expect(claimsOf(log, runId)).toMatchObject({ ended: null, suspensions: [{ by: 'intent', resumedAt: null }] });
    log.now += 5_000;
    log.do('resume', { grantId, reasonCode: 'LOOKED', actor: ANN });
    log.do('suspend', { grantId, reasonCode: 'LOOK', actor: ANN });
    expect(claimsOf(log, runId).suspensions).toMatchObject([
      { by: 'intent', resumedAt: '2026-01-01T00:00:05.000Z' },
      { by: 'person:ann', resumedAt: null },
    ]);
  });

  it('says of more that was wanted why, what had been tried, what it would have been, and what became of it', () => {
    const log = new SealedLog();
    const { runId, grantId } = log.open({ ...ROOMY, actions: { allow: ['file.*'], deny: ['file.drop'] } });
    const tried = [act(log, grantId, 'email.send'), act(log, grantId, 'file.drop')].map(({ actionId }) => actionId);
    const ask = (reason: string): void => {
      const want = { actions: { allow: ['email.send'] } };
      log.do('escalate', { runId, want, payload: words({ reason }) });
    };
    ask('the report must be sent');
    log.do('decideApproval', {
      approvalId: log.last('ApprovalRequested').data.approvalId,
      verdict: 'deny',
      actor: ANN,
    });
    const later = act(log, grantId, 'email.send').actionId;
    log.now += 10 * 60_000; // until then the refusal is the answer
    ask('it really must');
    expect(claimsOf(log, runId).escalations).toMatchObject([
      {
        reason: 'the report must be sent',
        tried,
        verdict: 'deny',
        wanted: { actions: { allow: ['email.send', 'file.*'] } },
      },
      { reason: 'it really must', tried: [...tried, later], verdict: 'pending' },
    ]);
  });

  it('that waits for its lease has no end and no grant', () => {
    const log = new SealedLog();
    const { runId } = log.open(ROOMY, { requireApproval: true });
    expect(claimsOf(log, runId)).toMatchObject({
      ended: null,
      grants: [],
      approvals: [{ kind: 'grant', verdict: 'pending' }],
    });
  });

  it('whose lease was raised goes on, and ends with the raised one', () => {
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

  it('that ended twice says what ended it first', () => {
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
