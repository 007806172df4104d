import { LIMITS } from '@bailiwick/core/limits';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import { parseEvent } from '@bailiwick/contracts/events/event';
import { evolve } from '../events/evolve';
import { stateDigest } from '../state/digest';
import { fromSnapshot, toSnapshot } from '../state/snapshot';
import { emptyState, type GrantNode } from '../state/state';
import { grantView } from '../presentation/views';
import { forgetTree } from '../testing/forget';
import { act, delegateTestRun, only, openTestRun, REF, ROOMY, TestLog } from '../testing/harness';

const refusalOf = (result: ReturnType<TestLog['try']>) =>
  'refusal' in result ? result.refusal.code : result.events.map((e) => e.type).join();

describe('a lease', () => {
  it('permits covered actions, charges every ancestor, and accepts each outcome once', () => {
    const log = new TestLog();
    const root = openTestRun(log);
    const child = delegateTestRun(log, root.grantId, { budget: { calls: 5 } });
    const permit = act(log, child.grantId, 'file.read', { cost: { USD: 30 } });
    expect(permit.type).toBe('ActionPermitted');
    expect(log.state.grants.get(root.grantId)?.usage.committed.calls).toBe(1);
    expect(log.state.grants.get(root.grantId)?.usage.reserved.cost).toEqual({ USD: 30 });
    log.do('settle', { actionId: permit.actionId as string, outcome: { status: 'completed', cost: { USD: 20 } } });
    expect(log.state.grants.get(root.grantId)?.usage).toMatchObject({
      committed: { calls: 1, reads: 1, cost: { USD: 20 } },
      reserved: { cost: {} },
    });
    expect(refusalOf(log.try('settle', { actionId: permit.actionId as string, outcome: { status: 'failed' } }))).toBe(
      'ALREADY_SETTLED',
    );
  });

  it('lets a call name its parent call: one of its tree, in flight or recently ended', () => {
    const log = new TestLog();
    const root = openTestRun(log);
    const child = delegateTestRun(log, root.grantId, { actions: { allow: ['file.*'] } });
    const other = openTestRun(log);
    const of = (grantId: string): string => act(log, grantId, 'file.read').actionId as string;
    const [above, elsewhere] = [of(root.grantId), of(other.grantId)];
    const denied = act(log, child.grantId, 'email.send');
    expect(denied.type).toBe('ActionDenied');
    const part = (parentActionId: string): string =>
      refusalOf(
        log.try('authorize', {
          grantId: child.grantId,
          parentActionId,
          action: { verb: 'file.read' },
          resource: { type: 'file', id: 'a' },
          proof: { vouched: true },
        }),
      );
    expect(part(above)).toBe('ActionPermitted');
    expect(log.events.at(-1)).toMatchObject({ data: { parentActionId: above } });
    log.do('settle', { actionId: above, outcome: { status: 'completed' } });
    expect(part(above)).toBe('ActionPermitted');
    for (const wrong of [elsewhere, `act_0_${'0'.repeat(26)}`, denied.actionId as string])
      expect([wrong, part(wrong)]).toEqual([wrong, 'NOT_FOUND']);
  });

  it('recognizes a second report for a while, and then answers that no such action is open', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const settled = (): string => {
      const { actionId } = act(log, grantId, 'file.read');
      log.do('settle', { actionId: actionId as string, outcome: { status: 'completed' } });
      return actionId as string;
    };
    const again = (actionId: string): string =>
      refusalOf(log.try('settle', { actionId, outcome: { status: 'completed' } }));
    const first = settled();
    log.now += LIMITS.settledMs;
    const second = settled();
    expect([again(first), again(second)]).toEqual(['ALREADY_SETTLED', 'ALREADY_SETTLED']);
    log.now += 1_000;
    const third = settled();
    expect([...log.state.settled.keys()]).toEqual([second, third]);
    expect(again(first)).toBe('NOT_FOUND');
  });

  it('refuses commands once it is forgotten, and explains the possible reasons', () => {
    const log = new TestLog();
    const { runId, grantId, treeId } = openTestRun(log);
    log.do('completeRun', { runId });
    forgetTree(log.state, treeId);
    const why = 'check the id and that it belongs to this tenant; one that ended long ago can only be read';
    const responses: [ReturnType<TestLog['try']>, string][] = [
      [log.try('completeRun', { runId }), `run ${runId}`],
      [log.try('revokeGrant', { grantId }), `grant ${grantId}`],
    ];
    for (const [answer, what] of responses)
      expect(answer).toEqual({ refusal: { code: 'NOT_FOUND', detail: `${what} not found: ${why}` } });
  });

  it('ends with its last count, together with everything below (I3, I2)', () => {
    const log = new TestLog();
    const root = openTestRun(log, { ...ROOMY, budget: { ...ROOMY.budget, calls: 2 } });
    const child = delegateTestRun(log, root.grantId);
    act(log, child.grantId, 'file.read');
    expect(act(log, child.grantId, 'file.read').type).toBe('ActionPermitted');
    expect(log.state.grants.get(root.grantId)?.status).toBe('exhausted');
    const denied = act(log, child.grantId, 'file.read');
    expect(denied.type).toBe('ActionDenied');
    expect(denied.data.reasons.map((reason) => reason.code)).toContain('GRANT_NOT_LIVE');
  });

  it('is ended by an outcome that cost more than was reserved, which is counted (I3)', () => {
    const log = new TestLog();
    const root = openTestRun(log);
    const permit = act(log, root.grantId, 'file.write', { cost: { USD: 10 } });
    const events = log.do('settle', {
      actionId: permit.actionId as string,
      outcome: { status: 'completed', cost: { USD: 11 } },
    });
    expect(only(events, 'GrantExhausted').data.overrun).toBe(true);
    expect(log.state.grants.get(root.grantId)?.usage.committed.cost).toEqual({ USD: 11 });
  });

  it('cannot be widened by a child, whose refusal lists every dimension (I1)', () => {
    const log = new TestLog();
    const root = openTestRun(log);
    const events = log.do('delegate', {
      grantId: root.grantId,
      agent: { class: 'x' },
      purposeRef: REF,
      grant: { budget: { calls: 101, cost: { EUR: 1 } }, risk: { ceiling: 'irreversible' }, time: { ttl: '2h' } },
    });
    const refused = only(events, 'DelegationRefused');
    expect(refused.data.code).toBe('GRANT_WIDENS_PARENT');
    expect(refused.data.reasons.map((reason) => reason.path).sort()).toEqual([
      'budget.calls',
      'budget.cost.EUR',
      'risk.ceiling',
      'time.expiresAt',
    ]);
  });

  it('needs approval of the exact call, once (I8)', () => {
    const log = new TestLog();
    const root = openTestRun(log);
    const call = { action: { verb: 'thing.delete', argsDigest: `sha256:${'a'.repeat(64)}` } };
    const asked = act(log, root.grantId, 'thing.delete', call);
    expect(asked.type).toBe('ActionStepUp');
    const approvalId = (asked.data as { approvalId: string }).approvalId;
    expect(act(log, root.grantId, 'thing.delete', { ...call, approvalId }).type).toBe('ActionStepUp');
    log.do('decideApproval', { approvalId, verdict: 'approve' });
    const other = act(log, root.grantId, 'thing.delete', { approvalId });
    expect(other.data.reasons.map((reason) => reason.code)).toContain('APPROVAL_MISMATCH');
    expect(act(log, root.grantId, 'thing.delete', { ...call, approvalId }).type).toBe('ActionPermitted');
    expect(
      act(log, root.grantId, 'thing.delete', { ...call, approvalId }).data.reasons.map((reason) => reason.code),
    ).toContain('APPROVAL_NOT_USABLE');
  });

  it('stops below a revoked ancestor, by marker and by selector (I6, I2)', () => {
    const log = new TestLog();
    const one = openTestRun(log);
    const below = delegateTestRun(
      log,
      delegateTestRun(log, one.grantId, { delegation: { depth: 1, children: 1, classes: ['*'] } }).grantId,
    );
    log.do('revokeGrant', { grantId: one.grantId });
    expect(act(log, below.grantId, 'file.read').type).toBe('ActionDenied');

    const two = openTestRun(log, ROOMY, 'bad');
    const child = delegateTestRun(log, two.grantId);
    const events = log.do('revokeSelector', {
      revocationId: 'rev_0_00000000000000000000000001',
      selector: { agentClass: 'bad' },
      force: true,
      quarantine: true,
    });
    expect(events).toHaveLength(1);
    expect(act(log, child.grantId, 'file.read').data.reasons[0]?.code).toBe('REVOKED_BY_RULE');
    expect(
      refusalOf(log.try('openRun', { agent: { class: 'bad' }, principalRef: REF, purposeRef: REF, grant: {} })),
    ).toBe('Refused');
    log.do('liftQuarantine', { revocationId: 'rev_0_00000000000000000000000001' });
    expect(act(log, openTestRun(log, ROOMY, 'bad').grantId, 'file.read').type).toBe('ActionPermitted');
  });

  it('denies sending a secret that another child has read', () => {
    const log = new TestLog(judgeTrajectory);
    const root = openTestRun(log);
    act(log, delegateTestRun(log, root.grantId).grantId, 'file.read', { resource: { type: 'file', id: 'app/.env' } });
    const send = act(log, delegateTestRun(log, root.grantId).grantId, 'email.send');
    expect(send.data.reasons.map((reason) => reason.code)).toContain('SECRET_EXFILTRATION');
  });

  it('expires with its permits and approvals, in one event each', () => {
    const log = new TestLog();
    const root = openTestRun(log);
    const permit = act(log, root.grantId, 'file.read');
    act(log, root.grantId, 'thing.delete');
    log.now += 40 * 24 * 3600_000;
    expect(
      log
        .tickAll()
        .map((event) => event.type)
        .sort(),
    ).toEqual(['ActionAbandoned', 'ApprovalExpired', 'GrantExpired']);
    expect(log.state.settled.get(permit.actionId as string)?.status ?? log.state.actions.size).toBeDefined();
  });

  it('is not loosened by a late lower score; resuming it resets the drift', () => {
    const log = new TestLog();
    const root = openTestRun(log);
    const score = (drift: number) =>
      log.do('recordDrift', { runId: root.runId, score: drift, features: [], monitor: 'test' });
    score(0.7);
    score(0.2);
    expect(log.state.runs.get(root.runId)?.drift).toBe(0.7);
    expect(act(log, root.grantId, 'file.write').type).toBe('ActionStepUp');
    score(0.95);
    log.do('resume', { grantId: root.grantId, reasonCode: 'LOOKED' });
    expect(log.state.runs.get(root.runId)?.drift).toBe(0);
    expect(act(log, root.grantId, 'file.write').type).toBe('ActionPermitted');
  });

  it('can be suspended by drift, resumed by a person, and raised by an escalation that keeps its children', () => {
    const log = new TestLog();
    const root = openTestRun(log);
    const child = delegateTestRun(log, root.grantId);
    expect(
      log
        .do('recordDrift', { runId: root.runId, score: 0.9, features: [], monitor: 'test' })
        .map((event) => event.type),
    ).toEqual(['DriftScored', 'GrantSuspended']);
    expect(act(log, child.grantId, 'file.read').type).toBe('ActionDenied');
    log.do('resume', { grantId: root.grantId, reasonCode: 'LOOKED' });
    act(log, child.grantId, 'file.read');
    const asked = only(
      log.do('escalate', { runId: root.runId, want: { budget: { calls: 500 } } }),
      'ApprovalRequested',
    );
    const events = log.do('decideApproval', { approvalId: asked.data.approvalId, verdict: 'approve' });
    expect(events.map((event) => event.type)).toEqual(['ApprovalGiven', 'GrantIssued', 'GrantSuperseded']);
    const raised = only(events, 'GrantIssued').grantId as string;
    expect(log.state.grants.get(raised)?.usage.committed.calls).toBe(1);
    expect(act(log, child.grantId, 'file.read').type).toBe('ActionPermitted');
    expect(log.state.grants.get(raised)?.usage.committed.calls).toBe(2);
  });

  it('reports the cause that ended it first, not a later one of an ancestor (I2)', () => {
    const revocationId = `rev_0_${'0'.repeat(26)}`;
    const ends = {
      complete: (log: TestLog, { runId }: { runId: string }) => log.do('completeRun', { runId }),
      rule: (log: TestLog) =>
        log.do('revokeSelector', { revocationId, selector: { agentClass: 'searcher' }, force: true }),
      time: (log: TestLog) => (log.now += 3_600_000),
      suspend: (log: TestLog, { grantId }: { grantId: string }) => log.do('suspend', { grantId, reasonCode: 'X' }),
    };
    const endOf = (...order: (keyof typeof ends)[]) => {
      const log = new TestLog();
      const root = openTestRun(log, { ...ROOMY, time: { ttl: '2h' } });
      const child = delegateTestRun(log, root.grantId, { time: { ttl: '30m' } }, 'searcher');
      for (const end of order) {
        ends[end](log, root);
        log.now += 1_000;
      }
      const { status, endReason, blockedBy } = grantView(
        log.state,
        log.state.grants.get(child.grantId) as GrantNode,
        log.now,
      );
      expect(blockedBy?.status).toBe(status);
      return [status, endReason?.replace(root.grantId, 'ROOT')];
    };
    expect(endOf('rule', 'complete')).toEqual(['revoked', `struck by ${revocationId}`]);
    expect(endOf('complete', 'rule')).toEqual(['completed', 'its ancestor ROOT is completed']);
    expect(endOf('time', 'complete')).toEqual(['expired', 'its time ended at 2026-01-01T00:30:00.000Z']);
    expect(endOf('suspend', 'rule')).toEqual(['revoked', `struck by ${revocationId}`]);
    expect(endOf('suspend')).toEqual(['suspended', 'its ancestor ROOT is suspended']);
  });

  it('is not completed after its end, although a lease above it is suspended (I2)', () => {
    const log = new TestLog();
    const root = openTestRun(log);
    const child = delegateTestRun(log, root.grantId, { time: { ttl: '1m' } });
    log.do('suspend', { grantId: root.grantId, reasonCode: 'LOOK', actor: { kind: 'person', id: 'ref_ann' } });
    log.now += 60_000; // before the end is recorded
    const actor = { kind: 'run', id: child.runId } as const;
    expect(refusalOf(log.try('completeRun', { runId: child.runId, actor }))).toBe('ALREADY_ENDED');
  });

  it('is not read from a snapshot with a missing line or a reference to a missing row (I11)', () => {
    const log = new TestLog();
    const { treeId, grantId } = openTestRun(log);
    delegateTestRun(log, grantId);
    act(log, grantId, 'file.read');
    log.do('revokeSelector', { revocationId: `rev_0_${'0'.repeat(26)}`, selector: { treeId }, force: true });
    const lines = toSnapshot(log.state).split('\n');
    expect(() => fromSnapshot(lines.join('\n'))).not.toThrow();
    const without = (i: number) => lines.filter((_, each) => each !== i).join('\n');
    const named = lines.flatMap((line, i) => (/^\["(shared|run)"/.test(line) ? [i] : []));
    expect(named.length).toBeGreaterThan(3);
    for (const i of named) expect(() => fromSnapshot(without(i))).toThrow(/a row names number \d+ of \d+/);
    expect(new Set(lines.map((line) => (JSON.parse(line) as [string])[0]))).toContain('rule');
    for (const i of lines.keys()) expect(() => fromSnapshot(without(i))).toThrow(/a row names|the snapshot/);
  });

  it('is the same on every fold: from events, from their stored form, and from a snapshot (I10)', () => {
    const log = new TestLog(judgeTrajectory);
    const root = openTestRun(log, { ...ROOMY, budget: { ...ROOMY.budget, windows: [{ per: '1h', calls: 50 }] } });
    const child = delegateTestRun(log, root.grantId);
    for (let i = 0; i < 20; i++) {
      const event = act(log, child.grantId, i % 5 === 0 ? 'thing.delete' : 'file.read', { cost: { USD: i } });
      log.now += 60_000;
      if (event.type === 'ActionPermitted' && i % 2)
        log.do('settle', { actionId: event.actionId as string, outcome: { status: 'completed' } });
    }
    const refolded = emptyState('default/0', 'default', 0);
    for (const event of log.events) evolve(refolded, parseEvent(JSON.stringify(event)));
    expect(stateDigest(refolded)).toBe(stateDigest(log.state));
    expect(stateDigest(fromSnapshot(toSnapshot(log.state)))).toBe(stateDigest(log.state));
  });
});
