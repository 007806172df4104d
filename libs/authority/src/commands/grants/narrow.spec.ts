import type { GrantRequest, WindowCap } from '@bailiwick/contracts/grants/grant';
import { stateDigest } from '../../state/digest';
import { fromSnapshot, toSnapshot } from '../../state/snapshot';
import { act, delegateTestRun, only, openTestRun, ROOMY, TestLog } from '../../testing/harness';

const PERSON = { kind: 'person' as const, id: 'person:ann', role: 'responder' };
const narrow = (log: TestLog, grantId: string, grant: GrantRequest) =>
  log.do('narrow', { grantId, grant, actor: PERSON });
const limitsOf = (log: TestLog, grantId: string) => log.state.grants.get(grantId)?.limits;

describe('narrow', () => {
  it('takes effect at once for the lease and all below it', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const child = delegateTestRun(log, grantId, { delegation: { depth: 1, children: 1, classes: ['*'] } }).grantId;
    const leaf = delegateTestRun(log, child).grantId;
    expect(act(log, leaf, 'file.write').type).toBe('ActionPermitted');
    const { data } = only(narrow(log, grantId, { actions: { allow: ['file.read'] } }), 'GrantNarrowed');
    expect(data.limits.actions.allow).toEqual(['file.read']);
    expect(data.limits.resources).toEqual([{ type: '*', match: '**' }]);
    for (const id of [grantId, child, leaf]) {
      expect(act(log, id, 'file.write').type).toBe('ActionDenied');
      expect(act(log, id, 'file.read').type).toBe('ActionPermitted');
    }
    expect(stateDigest(fromSnapshot(toSnapshot(log.state)))).toBe(stateDigest(log.state));
  });

  it.each<[string, GrantRequest]>([
    ['actions.allow', { actions: { allow: ['*'] } }],
    ['budget.calls', { budget: { calls: 101 } }],
    ['budget.cost.EUR', { budget: { cost: { EUR: 1 } } }],
    ['delegation.depth', { delegation: { depth: 4 } }],
    ['resources', { resources: [{ type: '*', match: '**' }] }],
    ['time.expiresAt', { time: { ttl: '2h' } }],
  ])('refuses a request that widens %s', (path, grant) => {
    const log = new TestLog();
    const held = { ...ROOMY, actions: { allow: ['file.*'] }, resources: [{ type: 'file', match: 'a/**' }] };
    const { grantId } = openTestRun(log, held);
    const before = JSON.stringify(limitsOf(log, grantId));
    const { data } = only(narrow(log, grantId, grant), 'Refused');
    expect(data.code).toBe('NARROWING_WIDENS');
    expect(data.detail).toContain(path);
    expect(JSON.stringify(limitsOf(log, grantId))).toBe(before);
  });

  it.each<[string, Pick<WindowCap, 'per' | 'timezone'>]>([
    ['a rolling window', { per: '1h' }],
    ['a calendar window', { per: 'day', timezone: 'Europe/Berlin' }],
  ])('lets %s that it adds while money is in flight count the outcomes of later calls (I3)', (_, window) => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const [one, other] = [delegateTestRun(log, grantId).grantId, delegateTestRun(log, grantId).grantId];
    const settle = (actionId: string | undefined, USD: number) =>
      log.do('settle', { actionId: actionId as string, outcome: { status: 'completed', cost: { USD } } });
    const earlier = act(log, one, 'file.read', { cost: { USD: 10 } });
    narrow(log, grantId, { budget: { windows: [{ ...window, cost: { USD: 300 } }] } });
    settle(act(log, other, 'file.read', { cost: { USD: 100 } }).actionId, 50);
    settle(earlier.actionId, 5);
    settle(act(log, one, 'file.read', { cost: { USD: 100 } }).actionId, 240);
    expect(stateDigest(fromSnapshot(toSnapshot(log.state)))).toBe(stateDigest(log.state));
    expect(act(log, other, 'file.read', { cost: { USD: 11 } }).type).toBe('ActionDenied');
    expect(act(log, other, 'file.read', { cost: { USD: 10 } }).type).toBe('ActionPermitted');
  });

  it('refuses a request that changes nothing', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const result = log.try('narrow', { grantId, grant: { actions: { allow: ['*'] } }, actor: PERSON });
    expect(result).toMatchObject({ refusal: { code: 'CONFLICT' } });
  });

  it('keeps the delegation on its own level, and every denial and window', () => {
    const log = new TestLog();
    const windows = [{ per: '1h', calls: 5 }];
    const { grantId } = openTestRun(log, {
      ...ROOMY,
      actions: { allow: ['*'], deny: ['shell.*'] },
      budget: { ...ROOMY.budget, windows },
    });
    narrow(log, grantId, { actions: { deny: ['email.*'] }, budget: { windows: [{ per: '1m', calls: 2 }] } });
    const limits = limitsOf(log, grantId);
    expect(limits?.delegation.depth).toBe(3);
    expect(limits?.actions.deny).toEqual(['email.*', 'shell.*']);
    expect(limits?.budget.windows.map(({ per }) => per)).toEqual(['1m', '1h']);
    expect([1, 2, 3].map(() => act(log, grantId, 'file.read').type)).toEqual([
      'ActionPermitted',
      'ActionPermitted',
      'ActionDenied',
    ]);
  });

  it('carries the use over: a reached cap denies, and a reached cap on calls ends the lease', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    for (let n = 0; n < 3; n++) act(log, grantId, 'file.write');
    expect(narrow(log, grantId, { budget: { writes: 2 } }).map(({ type }) => type)).toEqual(['GrantNarrowed']);
    expect(act(log, grantId, 'file.write').type).toBe('ActionDenied');
    expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
    const events = narrow(log, grantId, { budget: { calls: 4 } });
    expect(events.map(({ type }) => type)).toEqual(['GrantNarrowed', 'GrantExhausted']);
    expect(only(events, 'GrantExhausted').data.caps).toEqual(['budget.calls']);
    expect(act(log, grantId, 'file.read').type).toBe('ActionDenied');
  });

  it('ends renewal with a named end, and moves the deadline', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, time: { ttl: '30m', renewUntil: '2h' } });
    narrow(log, grantId, { time: { ttl: '10m' } });
    expect(limitsOf(log, grantId)?.time.renewUntil).toBeUndefined();
    expect(only(log.do('renew', { grantId }), 'Refused').data.code).toBe('RENEWAL_NOT_ALLOWED');
    log.now += 10 * 60_000;
    expect(log.tickAll().map(({ type }) => type)).toEqual(['GrantExpired']);
  });

  it('may tighten a suspended lease, and not one that has ended', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    log.do('suspend', { grantId, reasonCode: 'LOOK' });
    only(narrow(log, grantId, { actions: { mode: 'draft' } }), 'GrantNarrowed');
    log.do('resume', { grantId, reasonCode: 'LOOKED', actor: PERSON });
    expect(act(log, grantId, 'file.write').type).toBe('ActionDenied');
    log.do('revokeGrant', { grantId });
    expect(only(narrow(log, grantId, { actions: { allow: [] } }), 'Refused').data.code).toBe('GRANT_NOT_LIVE');
  });

  it('is open to the holder and the runs above it, and to no other run', () => {
    const log = new TestLog();
    const held = openTestRun(log);
    const child = delegateTestRun(log, held.grantId);
    const other = delegateTestRun(log, held.grantId);
    let writes = 50;
    const by = (id: string) =>
      log.do('narrow', {
        grantId: child.grantId,
        grant: { budget: { writes: --writes } },
        actor: { kind: 'run', id },
      })[0]?.type;
    expect([by(other.runId), by(child.runId), by(held.runId)]).toEqual(['Refused', 'GrantNarrowed', 'GrantNarrowed']);
  });

  it('outlives approvals: one given before covers nothing that was taken away', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, risk: { approvalFrom: 'low' } });
    const asked = act(log, grantId, 'file.write');
    if (asked.type !== 'ActionStepUp') throw new Error(asked.type);
    const { approvalId } = asked.data;
    log.do('decideApproval', { approvalId, verdict: 'approve', actor: PERSON });
    narrow(log, grantId, { actions: { allow: ['file.read'] } });
    expect(act(log, grantId, 'file.write', { approvalId }).type).toBe('ActionDenied');
  });

  it('outlives a pending escalation, which a person can no longer grant', () => {
    const log = new TestLog();
    const { grantId, runId } = openTestRun(log);
    const ask = () => only(log.do('escalate', { runId, want: { budget: { calls: 200 } } }), 'ApprovalRequested');
    const { approvalId } = ask().data;
    narrow(log, grantId, { actions: { allow: ['file.read'] } });
    const answer = (id: string) => log.do('decideApproval', { approvalId: id, verdict: 'approve', actor: PERSON });
    expect(only(answer(approvalId), 'Refused').data.code).toBe('APPROVAL_NOT_USABLE');
    const issued = only(answer(ask().data.approvalId), 'GrantIssued');
    expect(issued.data.limits.actions.allow).toEqual(['file.read']);
  });

  it('bounds later delegations and escalations below it, although the parent looks wider', () => {
    const log = new TestLog();
    const root = openTestRun(log);
    const parent = delegateTestRun(log, root.grantId, { delegation: { depth: 2, children: 5, classes: ['*'] } });
    narrow(log, root.grantId, { actions: { allow: ['file.*'] }, budget: { calls: 50 } });
    expect(limitsOf(log, parent.grantId)?.budget.calls).toBe(100);
    const child = delegateTestRun(log, parent.grantId);
    expect(limitsOf(log, child.grantId)?.actions.allow).toEqual(['file.*']);
    expect(limitsOf(log, child.grantId)?.budget.calls).toBe(50);
    const wide = { agent: { class: 'helper' }, purposeRef: `ref_${'0'.repeat(26)}`, grant: { budget: { calls: 60 } } };
    only(log.do('delegate', { grantId: parent.grantId, ...wide }), 'DelegationRefused');
    const want = { budget: { reads: 90 } };
    const asked = log.do('escalate', { runId: child.runId, want: { budget: { calls: 60 } } });
    expect(asked[0]?.type).toBe('Refused');
    expect(log.do('escalate', { runId: parent.runId, want })[0]?.type).toBe('Refused'); // narrows: it has 100
  });
});
