import type { CommandType } from '@bailiwick/contracts/commands/command';
import type { Event } from '@bailiwick/contracts/events/event';
import { NO_ROOM_FOR_SUSPENSIONS } from '@bailiwick/contracts/revocations/room';
import type { StoredSelector } from '@bailiwick/contracts/revocations/stored-selector';
import { rfc3339 } from '@bailiwick/core/clock';
import { deriveId } from '@bailiwick/core/derive-id';
import { LIMITS } from '@bailiwick/core/limits';
import { grantView } from '../presentation/views';
import { evolveUnasked } from '../events/evolve';
import { stateDigest } from '../state/digest';
import { fromSnapshot, toSnapshot } from '../state/snapshot';
import { emptyState, type GrantNode } from '../state/state';
import { act, delegateTestRun, only, openTestRun, REF, ROOMY, TestLog, type Fields } from '../testing/harness';
import { preview } from './blast-radius';
import { ruleEvents } from './rule-events';
import type { Rule } from './rule-set';

const PERSON = { kind: 'person', id: 'key:responder' } as const;
const HOUR = 3_600_000;

let made = 0;
function suspend(log: TestLog, selector: StoredSelector, more: Partial<Fields<'revokeSelector'>> = {}): string {
  const revocationId = deriveId('revocation', 0, `suspension ${(made += 1)}`);
  log.do('revokeSelector', { revocationId, selector, mode: 'suspend', force: true, actor: PERSON, ...more });
  return revocationId;
}
const resumeAll = (log: TestLog, revocationId: string): readonly Event[] =>
  log.do('liftSuspension', { revocationId, actor: PERSON });
const refusal = <T extends CommandType>(log: TestLog, type: T, fields: Fields<T>): string => {
  const result = log.try(type, fields);
  return 'events' in result ? only(result.events, 'Refused').data.code : result.refusal.code;
};
const may = (log: TestLog, id: string, verb = 'file.read'): boolean => act(log, id, verb).type === 'ActionPermitted';
const shown = (log: TestLog, id: string) => grantView(log.state, log.state.grants.get(id) as GrantNode, log.now);

describe('a suspension by selector', () => {
  it('stops old leases and their descendants with one event, whenever they are issued, and no other run', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const child = delegateTestRun(log, grantId).grantId;
    const before = log.events.length;
    const id = suspend(log, { agentClass: 'worker' });
    expect(log.events.slice(before).map(({ type }) => type)).toEqual(['RevocationRuleAdded']);
    expect([may(log, grantId), may(log, child), may(log, openTestRun(log).grantId)]).toEqual([false, false, true]);
    expect(shown(log, child)).toMatchObject({
      status: 'suspended',
      endReason: expect.stringContaining(grantId) as string,
    });
    expect(shown(log, grantId)).toMatchObject({
      status: 'suspended',
      blockedBy: { revocationId: id },
      endReason: `suspended by ${id}`,
    });
  });

  it('also holds a lease that a person approves after it for an older run', () => {
    const log = new TestLog();
    const asked = log.do('openRun', {
      agent: { class: 'worker' },
      principalRef: REF,
      purposeRef: REF,
      grant: ROOMY,
      requireApproval: true,
    });
    const { approvalId } = only(asked, 'ApprovalRequested').data;
    const id = suspend(log, { agentClass: 'worker' });
    const approved = log.do('decideApproval', { approvalId, verdict: 'approve', actor: PERSON });
    const grantId = only(approved, 'GrantIssued').grantId as string;
    expect(may(log, grantId)).toBe(false);
    resumeAll(log, id);
    expect(may(log, grantId)).toBe(true);
  });

  it('is undone by one event, and leaves what was suspended or ended otherwise as it is', () => {
    const log = new TestLog();
    const [plain, alone, ended] = [openTestRun(log), openTestRun(log), openTestRun(log)].map(({ grantId }) => grantId);
    const id = suspend(log, { agentClass: 'worker' });
    log.do('suspend', { grantId: alone as string, reasonCode: 'LOOK', actor: PERSON });
    log.do('revokeGrant', { grantId: ended as string, actor: PERSON });
    expect(resumeAll(log, id).map(({ type }) => type)).toEqual(['SuspensionLifted']);
    expect([plain, alone, ended].map((each) => may(log, each as string))).toEqual([true, false, false]);
    log.do('resume', { grantId: alone as string, reasonCode: 'LOOKED', actor: PERSON });
    expect(may(log, alone as string)).toBe(true);
  });

  it('is not undone by resuming one of its leases, whose suspension is not its own', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    suspend(log, { agentClass: 'worker' });
    expect(refusal(log, 'resume', { grantId, reasonCode: 'LOOKED', actor: PERSON })).toBe('CONFLICT');
    log.do('suspend', { grantId, reasonCode: 'LOOK', actor: PERSON });
    log.do('resume', { grantId, reasonCode: 'LOOKED', actor: PERSON });
    expect(may(log, grantId)).toBe(false);
  });

  it('applies with others until the last of them is lifted, in any order', () => {
    for (const first of [0, 1]) {
      const log = new TestLog();
      const { grantId } = openTestRun(log);
      const both = [suspend(log, { agentClass: 'worker' }), suspend(log, { principalRef: REF })];
      resumeAll(log, both[first] as string);
      expect(may(log, grantId)).toBe(false);
      resumeAll(log, both[1 - first] as string);
      expect(may(log, grantId)).toBe(true);
    }
  });

  it('ends at its time, at once for decisions and with one event of the log', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const until = log.now + HOUR / 2;
    const id = suspend(log, { agentClass: 'worker' }, { until: rfc3339(until) });
    log.now = until - 1;
    expect(may(log, grantId)).toBe(false);
    log.now = until;
    expect(may(log, grantId)).toBe(true);
    log.tickAll();
    const lifted = log.events.filter((event) => event.type === 'SuspensionLifted');
    expect(lifted.map(({ data }) => data)).toEqual([
      { revocationId: id, reason: { code: 'EXPIRED', says: 'its time was over' } },
    ]);
    expect(refusal(log, 'liftSuspension', { revocationId: id, actor: PERSON })).toBe('CONFLICT');
    log.tickAll();
    expect(log.events.filter(({ type }) => type === 'SuspensionLifted')).toHaveLength(1);
  });

  it('does not hide a revocation, which reaches what it holds', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const id = suspend(log, { agentClass: 'worker' });
    expect(preview(log.state, { selector: { agentClass: 'worker' } }, log.now).counts.grants).toBe(1);
    const revocationId = deriveId('revocation', 0, 'final');
    log.do('revokeSelector', { revocationId, selector: { agentClass: 'worker' }, force: true, actor: PERSON });
    resumeAll(log, id);
    expect(shown(log, grantId)).toMatchObject({ status: 'revoked', blockedBy: { revocationId } });
  });

  it('refuses new leases that match under its quarantine, until it ends', () => {
    const log = new TestLog();
    const until = log.now + HOUR / 2;
    suspend(log, { agentClass: 'worker' }, { quarantine: true, until: rfc3339(until) });
    const ask = { agent: { class: 'worker' }, principalRef: REF, purposeRef: REF, grant: ROOMY };
    expect(refusal(log, 'openRun', ask)).toBe('QUARANTINED');
    log.now = until;
    expect(only(log.do('openRun', ask), 'GrantIssued').grantId).toBeDefined();
  });

  it('of a tool denies that tool until it is lifted, and lets a request for it wait', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, risk: { approvalFrom: 'high' } });
    const id = suspend(log, { tool: 'deploy.run' });
    const denied = act(log, grantId, 'deploy.run');
    expect(JSON.stringify(denied.data)).toContain(`the tool deploy.run is suspended for this grant by ${id}`);
    expect(may(log, grantId)).toBe(true);
    resumeAll(log, id);
    expect(act(log, grantId, 'deploy.run').type).not.toBe('ActionDenied');
  });

  it('of the leases that could use a tool also denies a tool whose name is no verb, to older runs, until it ends', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const tool = 'Send Mail!';
    const id = suspend(log, { tool }, { target: 'leases' });
    const send = (grant = grantId): string =>
      act(log, grant, 'file.read', { action: { verb: 'file.read', tool } }).type;
    expect([send(), may(log, grantId), send(openTestRun(log).grantId)]).toEqual([
      'ActionDenied',
      true,
      'ActionPermitted',
    ]);
    resumeAll(log, id);
    expect(send()).toBe('ActionPermitted');
  });

  it('is suspended by drift, too, and stays so once it is lifted', () => {
    const log = new TestLog();
    const purpose = { onDrift: { stepUpAt: 0.5, suspendAt: 0.6 } };
    const { grantId, runId } = openTestRun(log, { ...ROOMY, purpose });
    const id = suspend(log, { agentClass: 'worker' });
    const monitor = { kind: 'system', id: 'intent' } as const;
    log.do('recordDrift', { runId, score: 0.9, features: [], monitor: 'structural/4', actor: monitor });
    resumeAll(log, id);
    expect(shown(log, grantId)).toMatchObject({ status: 'suspended' });
    expect(may(log, grantId)).toBe(false);
  });

  it.each<[string, Partial<Fields<'revokeSelector'>>]>([
    ['ends before it starts', { until: '2020-01-01T00:00:00.000Z' }],
    ['is a revocation with an end', { mode: undefined, until: '2040-01-01T00:00:00.000Z' }],
  ])('is refused if it %s', (_what, more) => {
    const log = new TestLog();
    const command = { revocationId: deriveId('revocation', 0, 'x'), selector: { agentClass: 'worker' }, force: true };
    expect(refusal(log, 'revokeSelector', { ...command, mode: 'suspend', actor: PERSON, ...more })).toBe('BAD_REQUEST');
  });

  it('is lifted by no run and not by the monitor', () => {
    const log = new TestLog();
    const { runId } = openTestRun(log);
    const revocationId = suspend(log, { agentClass: 'other' });
    for (const actor of [{ kind: 'run', id: runId } as const, { kind: 'system', id: 'intent' } as const])
      expect(refusal(log, 'liftSuspension', { revocationId, actor })).toBe('FORBIDDEN');
  });

  it('is refused if too many apply, which refuses no revocation', () => {
    const log = new TestLog();
    const ids = Array.from({ length: LIMITS.suspensionsApplying }, () => suspend(log, { agentClass: 'other' }));
    const command = { revocationId: deriveId('revocation', 0, 'x'), selector: { agentClass: 'worker' }, force: true };
    const refused = log.try('revokeSelector', { ...command, mode: 'suspend', actor: PERSON });
    expect(refused).toMatchObject({ refusal: { code: 'TOO_MANY', extra: NO_ROOM_FOR_SUSPENSIONS } });
    log.do('revokeSelector', { ...command, actor: PERSON });
    resumeAll(log, ids[0] as string);
    suspend(log, { agentClass: 'other' });
  });

  it('by a transmitter of security events leaves room to people', () => {
    const log = new TestLog();
    const idp = { kind: 'service', id: 'signals:idp' } as const;
    for (let i = 0; i < LIMITS.signals.suspensionsApplying; i++)
      suspend(log, { agentClass: 'other' }, { actor: i % 2 ? idp : PERSON });
    const command = { revocationId: deriveId('revocation', 0, 'x'), selector: { agentClass: 'worker' }, force: true };
    const refused = log.try('revokeSelector', { ...command, mode: 'suspend', actor: idp });
    expect(refused).toMatchObject({ refusal: { code: 'TOO_MANY', extra: NO_ROOM_FOR_SUSPENSIONS } });
    for (const actor of [PERSON, { kind: 'service', id: 'other' } as const])
      suspend(log, { agentClass: 'worker' }, { actor });
    log.do('revokeSelector', { ...command, actor: idp });
  });

  it('by a transmitter adds no rule if a quarantine in force stops all of it, whatever becomes of that quarantine', () => {
    const log = new TestLog();
    const idp = { kind: 'service', id: 'signals:idp' } as const;
    const selector = { principalRef: REF };
    const stop = (n: number, more: object = {}, actor: object = idp) =>
      log.try('revokeSelector', {
        ...{ revocationId: deriveId('revocation', n, 'x'), selector, force: true, quarantine: true, actor },
        ...more,
      } as never);
    const inForce = { refusal: { code: 'CONFLICT', extra: { inForce: deriveId('revocation', 1, 'x') } } };
    expect(stop(0, { quarantine: false })).toMatchObject({ events: [{}] });
    expect(stop(1, { mode: 'suspend' })).toMatchObject({ events: [{}] }); // the rule before it stops nothing newer
    expect(stop(2, { mode: 'suspend' })).toMatchObject(inForce);
    expect(stop(3, { mode: 'suspend' }, PERSON)).toMatchObject({ events: [{}] });
    expect(fromSnapshot(toSnapshot(log.state)).rules.covering(selector, true, log.now)).toBeDefined();
    expect(stop(4)).toMatchObject({ events: [{}] }); // a suspension is not as strict as a revocation
    expect(stop(5)).toMatchObject({ refusal: { extra: { inForce: deriveId('revocation', 4, 'x') } } });
    expect(stop(6, { selector: { ...selector, agentClass: 'worker' } })).toMatchObject({ events: [{}] });
    log.do('liftQuarantine', { revocationId: deriveId('revocation', 4, 'x'), actor: PERSON });
    expect(stop(7)).toMatchObject({ events: [{}] });
  });

  it('or a revocation by a transmitter leaves rules to people', () => {
    const log = new TestLog();
    const idp = { kind: 'service', id: 'signals:idp' } as const;
    const rule = (i: number): Rule => ({
      ...{ revocationId: `rev_${i}`, selector: { agentClass: `c${i}` }, position: 0, time: 0 },
      ...{ issuedBefore: undefined, target: undefined, suspends: undefined, until: undefined },
      ...{ quarantine: false, lifted: undefined, resumed: undefined },
    });
    for (let i = 0; i < LIMITS.signals.rules; i++) log.state.rules.add(rule(i));
    const command = { revocationId: deriveId('revocation', 0, 'x'), selector: { agentClass: 'worker' }, force: true };
    expect(refusal(log, 'revokeSelector', { ...command, actor: idp })).toBe('TOO_MANY');
    log.do('revokeSelector', { ...command, actor: PERSON });
  });
});

describe('a state with suspensions', () => {
  it('is the same after a snapshot, and ends a suspension at the same time', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const until = log.now + HOUR / 2;
    const lifted = suspend(log, { agentClass: 'worker' });
    suspend(log, { principalRef: REF }, { until: rfc3339(until) });
    resumeAll(log, lifted);
    const copy = fromSnapshot(toSnapshot(log.state));
    expect(stateDigest(copy)).toBe(stateDigest(log.state));
    expect([copy.rules.holding, copy.rules.suspensions]).toEqual([1, 2]);
    expect(copy.deadlines.peek()).toEqual(log.state.deadlines.peek());
    expect(grantView(copy, copy.grants.get(grantId) as GrantNode, until - 1).status).toBe('suspended');
    expect(grantView(copy, copy.grants.get(grantId) as GrantNode, until).status).toBe('active');
  });

  it('folds a tree with the suspensions of its log to the same status at each position', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const id = suspend(log, { agentClass: 'worker' }, { until: rfc3339(log.now + HOUR) });
    const held = log.state.next;
    resumeAll(log, id);
    const { log: name, tenant, n } = log.state;
    const own = log.events.filter(({ type }) => type !== 'RevocationRuleAdded' && type !== 'SuspensionLifted');
    const statusAt = (to: number): string => {
      const state = emptyState(name, tenant, n);
      for (const event of [...own, ...ruleEvents(log.state)].sort((a, b) => a.position - b.position)) {
        if (event.position >= to) break;
        state.next = event.position;
        evolveUnasked(state, event);
      }
      return grantView(state, state.grants.get(grantId) as GrantNode, log.now).status;
    };
    expect([statusAt(held), statusAt(log.state.next)]).toEqual(['suspended', 'active']);
  });
});
