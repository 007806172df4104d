import fc from 'fast-check';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import type { Responder } from '@bailiwick/contracts/policy/responder';
import { RESPONDER_SELECTS } from '@bailiwick/contracts/policy/responder';
import { parseDuration } from '@bailiwick/core/duration';
import { LIMITS } from '@bailiwick/core/limits';
import { decide } from '@bailiwick/authority/commands/decide';
import { evolve } from '@bailiwick/authority/events/evolve';
import { Rehearsal } from '@bailiwick/authority/responders/rehearsal';
import { selectorFor } from '@bailiwick/authority/responders/selector';
import { respondersOf } from '@bailiwick/authority/responders/compile';
import { stateDigest } from '@bailiwick/authority/state/digest';
import { fromSnapshot, toSnapshot } from '@bailiwick/authority/state/snapshot';
import { emptyState } from '@bailiwick/authority/state/state';
import { act, NO_ARGS, openTestRun, ROOMY, TestLog } from '@bailiwick/authority/testing/harness';
import { deploy } from '@bailiwick/authority/testing/policies';

const within = fc.constantFrom('1m', '10m', '1h');
const trigger: fc.Arbitrary<Responder['on']> = fc.oneof(
  fc.constant<Responder['on']>({ canary: { verbs: ['vault.*'] } }),
  fc.record({ drift: fc.record({ at_least: fc.constantFrom(0.3, 0.9) }) }),
  fc.record({ denials: fc.record({ at_least: fc.constantFrom(1, 2, 4), within }) }),
  fc.record({
    spend: fc.record({ of: fc.constantFrom('calls', 'cost.USD'), at_least: fc.constantFrom(1, 5), within }),
  }),
);
const responder: fc.Arbitrary<Omit<Responder, 'name'>> = fc.record({
  on: trigger,
  do: fc.constantFrom('suspend', 'suspend', 'prepare'),
  select: fc.constantFrom(...RESPONDER_SELECTS),
  limit: fc.record({ most: fc.constantFrom(1, 2, 3), within }),
  says: fc.constant('look'),
});
const move = fc.record({
  kind: fc.constantFrom(
    ...[
      'act',
      'act',
      'deny',
      'deny',
      'canary',
      'canary',
      'canary',
      'open',
      'open',
      'drift',
      'delegate',
      'wait',
      'resume',
    ],
  ),
  n: fc.nat(40),
});
type Move = { readonly kind: string; readonly n: number };

/** Plays moves with responders; the events of each firing are decided as the owner does, after each command. */
function played(responders: readonly Responder[], moves: readonly Move[], check: (log: TestLog) => void) {
  const log = new TestLog();
  deploy(log, { responders: [...responders] });
  const grants = [openTestRun(log).grantId, openTestRun(log, ROOMY, 'other').grantId];
  for (const { kind, n } of moves) {
    const grantId = grants[n % grants.length] as string;
    const vault = { resource: { type: 'vault', id: 'a' } };
    if (kind === 'act') act(log, grantId, 'file.read', { cost: { USD: n % 4 } });
    else if (kind === 'deny') act(log, grantId, 'file.read', { cost: { EUR: 1 } });
    else if (kind === 'canary') act(log, grantId, 'vault.open', vault);
    else if (kind === 'open') grants.push(openTestRun(log, ROOMY, `class-${n % 9}`).grantId);
    else if (kind === 'delegate') {
      const done = log.try('delegate', {
        grantId,
        agent: { class: 'helper' },
        purposeRef: log.state.runs.values().next().value?.purposeRef as string,
        grant: {},
      });
      const issued = 'events' in done ? done.events.find(({ type }) => type === 'GrantIssued') : undefined;
      if (issued?.grantId !== undefined) grants.push(issued.grantId);
    } else if (kind === 'drift') {
      const runId = log.state.grants.get(grantId)?.runId ?? '';
      log.try('recordDrift', { runId, score: (n % 11) / 10, features: [], monitor: 'm' });
    } else if (kind === 'wait') log.now += n * 5_000;
    else {
      const rule = log.state.rules.list[n % Math.max(1, log.state.rules.list.length)];
      if (rule) log.try('liftSuspension', { revocationId: rule.revocationId });
    }
    check(log);
    log.tickAll();
  }
  return { log, grants };
}

const isType = <T extends Event['type']>(event: Event, type: T): event is EventOf<T> => event.type === type;
const withNames = (all: readonly Omit<Responder, 'name'>[]): Responder[] =>
  all.map((each, i) => ({ ...each, name: `responder-${'abc'[i]}` }));
const several = fc.array(responder, { minLength: 1, maxLength: 3, size: 'max' }).map(withNames);
const moves = fc.array(move, { minLength: 20, maxLength: 80, size: 'max' });
const RUNS = { numRuns: 80 };

describe('responders', () => {
  it('never act more often than their limits, and only by the selector of the run that triggers them', () => {
    let [suspended, limited] = [0, 0];
    fc.assert(
      fc.property(several, moves, (responders, all) => {
        const { log } = played(responders, all, () => undefined);
        const fired = log.events.filter((event) => isType(event, 'ResponderFired'));
        for (const { name, limit, select } of responders) {
          const own = fired.filter(({ data }) => data.responder.name === name);
          for (const did of ['suspend', 'prepare'] as const) {
            const times = own.filter(({ data }) => data.did === did).map(({ time }) => Date.parse(time));
            for (const at of times) {
              const near = times.filter((each) => each <= at && each > at - (parseDuration(limit.within) ?? 0));
              expect(near.length).toBeLessThanOrEqual(limit.most);
            }
          }
          for (const { data } of own) {
            const run = log.state.runs.get(data.trigger.runId);
            if (run) expect(data.selector).toEqual(selectorFor(select, run));
          }
        }
        const rules = log.events.filter((event) => isType(event, 'RevocationRuleAdded'));
        const suspensions = fired.filter(({ data }) => data.did === 'suspend');
        expect(rules.map(({ data }) => data.mode)).toEqual(rules.map(() => 'suspend'));
        expect(rules.map(({ data }) => data.selector)).toEqual(suspensions.map(({ data }) => data.selector));
        expect(rules.length).toBeLessThanOrEqual(LIMITS.suspensions / 2);
        suspended += rules.length;
        limited += fired.filter(({ data }) => data.limited !== undefined).length;
      }),
      RUNS,
    );
    expect([suspended > 80, limited > 20]).toEqual([true, true]);
  });

  it('fold to the same state again, from the events and from a snapshot at any point', () => {
    fc.assert(
      fc.property(several, moves, fc.nat(), (responders, all, at) => {
        const { log } = played(responders, all, () => undefined);
        let state = emptyState('default/0', 'default', 0);
        const cut = at % log.events.length;
        for (const [i, event] of log.events.entries()) {
          evolve(state, event);
          if (i === cut) state = fromSnapshot(toSnapshot(state));
        }
        expect(stateDigest(state)).toBe(stateDigest(log.state));
      }),
      RUNS,
    );
  });

  it('never make a decision milder, nor change the policy', () => {
    let stricter = 0;
    const STRICT = { ActionPermitted: 0, ActionStepUp: 1, ActionDenied: 2 } as Record<string, number>;
    fc.assert(
      fc.property(several, moves, (responders, all) => {
        const { log, grants } = played(responders, all, (each) => {
          if (each.state.responders.pending.size === 0) return;
          const outcomes = () =>
            [...each.state.grants.keys()].map((grantId) => {
              const resource = { type: 'file', id: 'a' };
              const action = { verb: 'file.read', argsDigest: NO_ARGS };
              const command = each.command('authorize', { grantId, resource, action, proof: { vouched: true } });
              const decided = decide(each.state, command, each.now, each.rules);
              return decided.ok ? (STRICT[decided.value[0]?.type ?? ''] ?? 3) : 3;
            });
          const [before, policy] = [outcomes(), each.state.policies.current];
          each.tickAll();
          const after = outcomes();
          for (const [i, was] of before.entries()) expect(after[i]).toBeGreaterThanOrEqual(was);
          if (after.some((now, i) => now > (before[i] ?? 0))) stricter += 1;
          expect(each.state.policies.current).toBe(policy);
        });
        expect(grants.length).toBeGreaterThan(0);
        expect(log.state.responders.pending.size).toBe(0);
      }),
      RUNS,
    );
    expect(stricter).toBeGreaterThan(60);
  });

  it('do in a rehearsal what they did', () => {
    fc.assert(
      fc.property(several, moves, (responders, all) => {
        const { log } = played(
          responders,
          all.filter(({ kind }) => kind !== 'resume'),
          () => undefined,
        );
        const rehearsal = new Rehearsal(emptyState('default/0', 'default', 0), respondersOf(responders), 0);
        for (const event of log.events) rehearsal.take(JSON.stringify(event));
        const real = log.events.flatMap((event) => (isType(event, 'ResponderFired') ? [event.data] : []));
        expect(rehearsal.end().firings.map(({ responder: name, did, position }) => [name, did, position])).toEqual(
          real.map(({ responder: { name }, did, trigger }) => [name, did, trigger.position]),
        );
      }),
      RUNS,
    );
  });
});
