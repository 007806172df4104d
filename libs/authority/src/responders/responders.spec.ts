import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import type { Event } from '@bailiwick/contracts/events/event';
import type { Responder } from '@bailiwick/contracts/policy/responder';
import { responder as schema } from '@bailiwick/contracts/policy/responder';
import { canonicalDigest } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { evolve } from '../events/evolve';
import { stateDigest } from '../state/digest';
import { fromSnapshot, toSnapshot } from '../state/snapshot';
import { emptyState } from '../state/state';
import { act, openTestRun, only, TestLog } from '../testing/harness';
import { deploy } from '../testing/policies';

const HOUR = 3_600_000;
const WORDS = 'inspect this';
const CANARY: Responder = {
  name: 'canary-touched',
  on: { canary: { verbs: ['vault.open'] } },
  do: 'suspend',
  select: 'class',
  lasts: '10m',
  limit: { most: 2, within: '1h' },
  says: WORDS,
};
const DENIED: Responder = {
  name: 'denied-often',
  on: { denials: { at_least: 3, within: '10m' } },
  do: 'prepare',
  select: 'class',
  limit: { most: 5, within: '1h' },
  says: WORDS,
};

let log: TestLog;
const start = (...responders: Responder[]): void => {
  log = new TestLog(judgeTrajectory);
  deploy(log, { responders: responders.map((each) => schema.parse(each)) });
};
const touch = (grantId: string): Event[] => {
  act(log, grantId, 'vault.open', { resource: { type: 'vault', id: 'root' } });
  return log.tickAll();
};
/** Asks for what is denied; beyond the budget of refusals, without an event. */
const refuse = (grantId: string, verb: string): void =>
  void log.try('authorize', {
    grantId,
    resource: { type: 'vault', id: 'root' },
    proof: { vouched: true },
    action: { argsDigest: canonicalDigest({}), verb },
  });
const typesOf = (events: readonly Event[]): string[] => events.map(({ type }) => type);
const refolded = () => {
  const state = emptyState('default/0', 'default', 0);
  for (const event of log.events) evolve(state, event);
  return state;
};

describe('a responder that suspends', () => {
  it('suspends by its selector in the next append, and names itself and the version of the policy', () => {
    start(CANARY);
    const [bad, alike, other] = [openTestRun(log), openTestRun(log), openTestRun(log, undefined, 'other')];
    const events = touch(bad.grantId);
    expect(typesOf(events)).toEqual(['ResponderFired', 'RevocationRuleAdded']);
    const responder = { name: 'canary-touched', policy: 1 };
    const until = new Date(log.now + HOUR / 6).toISOString();
    expect(events[0]?.data).toMatchObject({ responder, did: 'suspend', selector: { agentClass: 'worker' }, until });
    expect(events[1]).toMatchObject({
      data: { mode: 'suspend', until, responder, reason: { code: 'BY_RESPONDER' } },
    });
    const decisions = [bad, alike, other].map(({ grantId }) => act(log, grantId, 'file.read').type);
    expect(decisions).toEqual(['ActionDenied', 'ActionDenied', 'ActionPermitted']);
    log.now += HOUR / 6;
    expect(typesOf(log.tickAll())).toContain('SuspensionLifted');
    expect(act(log, alike.grantId, 'file.read').type).toBe('ActionPermitted');
  });

  it('fires on a denied canary, too, and not for runs that it holds already', () => {
    start(CANARY);
    const { grantId } = openTestRun(log, {
      actions: { allow: ['file.read'] },
      resources: [{ type: '*', match: '**' }],
    });
    expect(typesOf(touch(grantId))).toEqual(['ResponderFired', 'RevocationRuleAdded']);
    expect(touch(grantId)).toEqual([]);
  });

  it('only prepares beyond its own limit, states that, and then stays quiet about the same selector', () => {
    start(CANARY);
    const dids = ['a', 'b', 'c', 'c'].map((name) => {
      const fired = touch(openTestRun(log, undefined, name).grantId).find(({ type }) => type === 'ResponderFired');
      const { did, limited } = (fired?.data ?? {}) as { did?: string; limited?: string };
      return [did, limited];
    });
    expect(dids).toEqual([
      ['suspend', undefined],
      ['suspend', undefined],
      ['prepare', 'responder'],
      [undefined, undefined],
    ]);
    log.now += HOUR;
    log.tickAll();
    expect(typesOf(touch(openTestRun(log, undefined, 'd').grantId))).toContain('RevocationRuleAdded');
  });

  it('suspends what it could only prepare before, as soon as its limit permits it', () => {
    start({ ...CANARY, limit: { most: 1, within: '1h' } });
    touch(openTestRun(log, undefined, 'a').grantId);
    const { grantId } = openTestRun(log, undefined, 'b');
    const dids = [0.5 * HOUR, 0.4 * HOUR, 0.2 * HOUR].map((later) => {
      log.now += later;
      log.tickAll();
      const fired = touch(openTestRun(log, undefined, 'b').grantId).find(({ type }) => type === 'ResponderFired');
      return (fired?.data as { did?: string } | undefined)?.did;
    });
    expect(dids).toEqual(['prepare', undefined, 'suspend']);
    expect(act(log, grantId, 'file.read').type).toBe('ActionDenied');
  });

  it('fires on a refusal that a run hides behind more than are recorded', () => {
    start(CANARY);
    const { grantId } = openTestRun(log, {
      actions: { allow: ['file.read'] },
      resources: [{ type: '*', match: '**' }],
    });
    const recorded = (): number => log.events.filter(({ type }) => type === 'ActionDenied').length;
    for (let i = 0; i < 2 * LIMITS.refusals.run.burst; i++) refuse(grantId, 'file.delete');
    const before = recorded();
    expect(before).toBeLessThan(2 * LIMITS.refusals.run.burst);
    refuse(grantId, 'vault.open');
    expect(recorded()).toBe(before + 1);
    expect(typesOf(log.tickAll())).toEqual(['ResponderFired', 'RevocationRuleAdded']);
    for (let i = 0; i < 5; i++) refuse(grantId, 'vault.open');
    expect(recorded()).toBe(before + 1);
  });

  it('stops no other run for a call with the token of a lease that has ended', () => {
    start(CANARY);
    const [ended, other] = [openTestRun(log), openTestRun(log)];
    log.do('revokeGrant', { grantId: ended.grantId });
    expect(touch(ended.grantId)).toEqual([]);
    expect(act(log, other.grantId, 'file.read').type).toBe('ActionPermitted');
  });

  it('shares the limit of the tenant with all other responders', () => {
    const several = Array.from({ length: 3 }, (_, i) => ({
      ...CANARY,
      name: `canary-${i}`,
      on: { canary: { verbs: [`vault.open${i}`] } },
      select: 'tree' as const,
      limit: { most: 10, within: '1h' },
    }));
    start(...several);
    let suspended = 0;
    for (let i = 0; i < 30; i++) {
      act(log, openTestRun(log).grantId, `vault.open${i % 3}`, { resource: { type: 'vault', id: 'root' } });
      suspended += typesOf(log.tickAll()).filter((type) => type === 'RevocationRuleAdded').length;
    }
    expect(suspended).toBe(LIMITS.responderSuspensions);
    const last = log.events.findLast(({ type }) => type === 'ResponderFired');
    expect(last?.data).toMatchObject({ did: 'prepare', limited: 'tenant' });
  });

  it('counts the firings that its limit leaves without an event', () => {
    start({ ...CANARY, select: 'tree', limit: { most: 1, within: '1h' } });
    const events = Array.from({ length: 6 }, () => touch(openTestRun(log).grantId)).flat();
    expect(typesOf(events)).toEqual(['ResponderFired', 'RevocationRuleAdded', 'ResponderFired']);
    log.now += HOUR;
    log.tickAll();
    const fired = only(touch(openTestRun(log).grantId), 'RevocationRuleAdded').position - 1;
    expect(log.events[fired]?.data).toMatchObject({ did: 'suspend', unrecorded: 4 });
  });
});

describe('a responder that counts', () => {
  it('prepares with a digest when a rate is reached, and stops nothing', () => {
    start(DENIED);
    const { grantId } = openTestRun(log, {
      actions: { allow: ['file.read'] },
      resources: [{ type: '*', match: '**' }],
    });
    const all = Array.from({ length: 4 }, () => {
      act(log, grantId, 'file.delete');
      return typesOf(log.tickAll());
    });
    expect(all).toEqual([[], [], ['ResponderFired'], []]);
    expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
    const fired = only(log.events, 'ResponderFired');
    expect(fired.data.digest).toMatch(new RegExp(`^${fired.position}\\.[0-9a-f]{64}$`));
    expect(log.state.responders.prepared).toEqual([
      { digest: fired.data.digest, selector: { agentClass: 'worker' }, asOf: fired.position },
    ]);
  });

  it('forgets what is older than its time, and does not count denials of leases that are not live', () => {
    start(DENIED);
    const { grantId } = openTestRun(log, {
      actions: { allow: ['file.read'] },
      resources: [{ type: '*', match: '**' }],
    });
    act(log, grantId, 'file.delete');
    act(log, grantId, 'file.delete');
    log.now += 11 * 60_000;
    act(log, grantId, 'file.delete');
    log.do('suspend', { grantId, reasonCode: 'LOOK' });
    for (let i = 0; i < 5; i++) act(log, grantId, 'file.delete');
    expect(typesOf(log.tickAll())).toEqual([]);
  });

  it('adds the charges of permits, and hears a drift score and a rule', () => {
    const prepare = { do: 'prepare', select: 'tree', limit: { most: 5, within: '1h' }, says: WORDS } as const;
    start(
      { ...prepare, name: 'spent', on: { spend: { of: 'cost.USD', at_least: 50, within: '1h' } } },
      { ...prepare, name: 'drifted', on: { drift: { at_least: 0.9 } } },
      { ...prepare, name: 'ruled', on: { rule: { names: ['permission-probing'] } } },
    );
    const { grantId, runId } = openTestRun(log);
    for (const cost of [30, 19, 1]) {
      expect(log.tickAll()).toEqual([]);
      act(log, grantId, 'file.read', { cost: { USD: cost } });
    }
    log.do('recordDrift', { runId, score: 0.89, features: [], monitor: 'm', actor: { kind: 'system', id: 'intent' } });
    log.do('recordDrift', { runId, score: 0.95, features: [], monitor: 'm', actor: { kind: 'system', id: 'intent' } });
    const fired = log.tickAll().map(({ data }) => (data as { responder: { name: string } }).responder.name);
    expect(fired).toEqual(['spent', 'drifted']);
  });
});

describe('what responders keep', () => {
  it('is equal after a refold and in a snapshot, with a firing whose event a crash has prevented', () => {
    start(CANARY, DENIED);
    const { grantId } = openTestRun(log, {
      actions: { allow: ['file.read'] },
      resources: [{ type: '*', match: '**' }],
    });
    act(log, grantId, 'file.delete');
    touch(openTestRun(log, undefined, 'other').grantId);
    act(log, grantId, 'vault.open', { resource: { type: 'vault', id: 'root' } }); // and the process dies here
    expect(log.state.responders.pending.size).toBe(1);
    const digest = stateDigest(log.state);
    expect(stateDigest(refolded())).toBe(digest);
    const restored = fromSnapshot(toSnapshot(log.state));
    expect(stateDigest(restored)).toBe(digest);
    expect(restored.deadlines.peek()).toMatchObject({ kind: 'responder' });
    const after = log.tickAll();
    expect(typesOf(after)).toEqual(['ResponderFired', 'RevocationRuleAdded']);
    for (const event of after) evolve(restored, event);
    expect(stateDigest(restored)).toBe(stateDigest(log.state));
    expect(log.tickAll()).toEqual([]); // once
  });

  it('ends with the policy that has them, and stays with a definition that the next one repeats', () => {
    start(CANARY, DENIED);
    touch(openTestRun(log).grantId);
    const [kept] = log.state.responders.nodes.keys();
    deploy(log, { responders: [CANARY] });
    expect([...log.state.responders.nodes.keys()]).toEqual([kept]);
    act(log, openTestRun(log, undefined, 'b').grantId, 'vault.open', { resource: { type: 'vault', id: 'root' } });
    deploy(log, { responders: [] });
    expect([log.state.responders.nodes.size, log.state.responders.pending.size]).toEqual([0, 0]);
    expect(log.tickAll()).toEqual([]);
  });

  it('is bounded, whatever is counted', () => {
    start({ ...DENIED, select: 'tree', on: { spend: { of: 'calls', at_least: 100, within: '1h' } } });
    for (let i = 0; i < LIMITS.policy.responder.keys + 5; i++) act(log, openTestRun(log).grantId, 'file.read');
    const [node] = log.state.responders.nodes.values();
    expect(node?.counts.size).toBe(LIMITS.policy.responder.keys);
  });
});
