import fc from 'fast-check';
import { decide } from '@bailiwick/authority/commands/decide';
import { evolve } from '@bailiwick/authority/events/evolve';
import { seal } from '@bailiwick/authority/commands/seal';
import { stateDigest } from '@bailiwick/authority/state/digest';
import { fromSnapshot, toSnapshot } from '@bailiwick/authority/state/snapshot';
import { emptyState, type LogState } from '@bailiwick/authority/state/state';
import { parseEvent, type Event } from '@bailiwick/contracts/events/event';
import { moves, reserving } from './moves';
import { Tally } from './naive';
import { Play } from './play';

/**
 * Fails if the state keeps the newest rule instead of the oldest; if a snapshot loses a quarantine or an action; if
 * `decide` changes the state; if ids are random.
 */
fc.configureGlobal({ seed: 20260110 });

const refold = (events: readonly Event[]): LogState =>
  events.reduce(
    (state, event) => evolve(state, parseEvent(JSON.stringify(event))),
    emptyState('default/0', 'default', 0),
  );
/** Seals an event and checks that its body contains the members that it has. */
function sealed(...of: Parameters<typeof seal>): string {
  const { event, body } = seal(...of);
  expect(JSON.parse(body)).toEqual(event); // what is undefined is not written
  return body;
}
const restored = (state: LogState): LogState => fromSnapshot(toSnapshot(state));

describe('I10: folding the log from position 0 gives exactly the live state', () => {
  it('at every position of the log, from the stored form of its events', () => {
    const tally = new Tally();
    const property = fc.property(moves(), (all) => {
      const play = new Play();
      const digests = new Map<number, string>();
      play.play(all, () => {
        digests.set(play.log.state.next, stateDigest(play.log.state));
      });
      const state = emptyState('default/0', 'default', 0);
      for (const event of play.log.events) {
        const digest = digests.get(event.position);
        if (digest !== undefined) expect(stateDigest(state)).toBe(digest);
        evolve(state, parseEvent(JSON.stringify(event)));
        tally.add(event.type);
      }
      expect(stateDigest(state)).toBe(stateDigest(play.log.state));
    });
    fc.assert(property, { numRuns: 25 });
    tally.atLeast(
      1,
      'GrantSuperseded',
      'GrantExhausted',
      'RevocationRuleAdded',
      'ActionAbandoned',
      'ApprovalGiven',
      'RunCompleted',
    );
  });

  it('and restoring a snapshot, once or twice, gives the same state', () => {
    const property = fc.property(fc.oneof(moves(), reserving), (all) => {
      const { state } = new Play().play(all).log;
      const once = restored(state);
      expect(stateDigest(once)).toBe(stateDigest(state));
      expect(toSnapshot(restored(once))).toBe(toSnapshot(state));
      expect(derived(once)).toEqual(derived(state));
      expect(nodes(once)).toStrictEqual(nodes(state));
    });
    fc.assert(property, { numRuns: 100 });
  });

  it('and the same commands write the same bytes', () => {
    const property = fc.property(moves(), (all) => {
      const [one, two] = [new Play().play(all).log, new Play().play(all).log];
      expect(JSON.stringify(one.events)).toBe(JSON.stringify(two.events));
    });
    fc.assert(property, { numRuns: 25 });
  });

  /** Returns every part of the state that unnamed rows could mix up, without the caches. */
  const nodes = ({ runs, grants, trees, actions, settled, abandoned, approvals, keyed, tries }: LogState) => [
    ...[...runs, ...actions, ...settled, ...abandoned, ...approvals, ...keyed, ...tries],
    ...[...grants.values()].map((grant) => ({ ...grant, checkedEpoch: 0, struckBy: undefined })),
    ...[...trees.values()].map((tree) => ({
      ...tree,
      runs: tree.runs.map(({ id }) => id),
      grants: tree.grants.map(({ id }) => id),
      approvals: tree.approvals.map(({ id }) => id),
    })),
  ];

  /** Returns the derived state that a snapshot omits: the next deadline, and the pending approval of each call. */
  function derived(state: LogState) {
    const pending = [...state.approvals.values()].filter((approval) => approval.status === 'pending');
    return [
      state.deadlines.peek(),
      pending.map(({ binding, kind }) => kind === 'action' && state.pendingByBinding.get(binding)),
    ];
  }
});

describe('I10: decide is a pure function of state, command and time', () => {
  it('it returns the same decision twice for frozen inputs and leaves the state unchanged', () => {
    const tally = new Tally();
    const property = fc.property(moves(40), (all) => {
      const play = new Play();
      const { log } = play;
      log.watch = (command, decided) => {
        expect(stateDigest(log.state)).toBe(stateDigest(refold(log.events)));
        const state = frozen(restored(log.state));
        const digest = stateDigest(state);
        for (let i = 0; i < 2; i++)
          expect(decide(state, frozen(structuredClone(command)), log.now, log.rules)).toEqual(decided);
        expect(stateDigest(state)).toBe(digest);
        if (!decided.ok) return tally.add(decided.error.code);
        const bodies = (of: LogState) => decided.value.map((event) => sealed(of, command, log.now, event));
        expect(bodies(state)).toEqual(bodies(log.state));
        tally.add(command.type);
      };
      play.play(all);
    });
    fc.assert(property, { numRuns: 20 });
    tally.atLeast(5, 'authorize', 'delegate', 'openRun', 'settle', 'decideApproval', 'tick', 'NOT_FOUND');
  });

  it('it decides the same after a restart from a snapshot or from the events, at any time', () => {
    const tally = new Tally();
    const revoking = moves(40, ['act', 'act', 'act', 'strike', 'open', 'wait']);
    const property = fc.property(fc.oneof(moves(50), revoking), fc.nat(50), fc.boolean(), (all, when, snapshot) => {
      const play = new Play();
      const { log } = play;
      let other: LogState | undefined;
      let n = 0;
      log.watch = (command, decided) => {
        n += 1;
        if (n === when) other = snapshot ? restored(log.state) : refold(log.events);
        if (!other) return;
        for (const event of log.events.slice(other.next)) evolve(other, event);
        expect(decide(other, command, log.now, log.rules)).toEqual(decided);
        tally.add(log.state.rules.list.length > 1 ? 'after two revocations' : 'after the restart');
      };
      play.play(all);
    });
    fc.assert(property, { numRuns: 220 });
    tally.atLeast(500, 'after the restart', 'after two revocations');
  });
});

const CACHES = ['checkedEpoch', 'struckBy'];

/** Makes every change of a member, a list or a map throw, except the caches of a grant. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  const no = () => {
    throw new Error('a frozen value was changed');
  };
  if (value instanceof Map) {
    for (const each of value.values()) frozen(each);
    Object.assign(value, { set: no, delete: no, clear: no });
  }
  for (const key of Object.keys(value)) {
    frozen((value as Record<string, unknown>)[key]);
    if (!CACHES.includes(key)) Object.defineProperty(value, key, { writable: false });
  }
  return CACHES.some((key) => key in value) ? Object.preventExtensions(value) : Object.freeze(value);
}
