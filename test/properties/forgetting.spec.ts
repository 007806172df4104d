import fc from 'fast-check';
import { decide } from '@bailiwick/authority/commands/decide';
import type { Decided } from '@bailiwick/authority/commands/types';
import { evolve, evolveUnasked } from '@bailiwick/authority/events/evolve';
import { stateDigest } from '@bailiwick/authority/state/digest';
import { fromSnapshot, toSnapshot } from '@bailiwick/authority/state/snapshot';
import { emptyState, type LogState } from '@bailiwick/authority/state/state';
import type { Event, EventType } from '@bailiwick/contracts/events/event';
import { moves, type Move } from './moves';
import { Tally } from './naive';
import { Play } from './play';

/**
 * Fails if a tree is forgotten while one of its runs, permits or approval requests is open; if its last event does not
 * count; if a snapshot omits a tree that is still to be forgotten.
 */
fc.configureGlobal({ seed: 20260113 });

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Stories of runs that end, with long idle times. */
const story = fc
  .tuple(
    moves(60, [
      'open',
      'open',
      'act',
      'act',
      'settle',
      'settle',
      'complete',
      'complete',
      'wait',
      'revoke',
      'repeat',
    ]).chain((some) => moves(60).map((others) => [...some, ...others])),
    fc.array(fc.tuple(fc.nat(100), fc.constantFrom(9 * MINUTE, 11 * MINUTE, 3 * HOUR, 25 * HOUR)), { minLength: 4 }),
  )
  .map(([all, sleeps]) => {
    const slept: Move[] = [...all];
    for (const [where, long] of sleeps)
      slept.splice(3 + (where % slept.length), 0, { do: 'wait', keyed: false, for: long, tick: true } as Move);
    return slept;
  });

/** Event types that act on a lease or a run; forgetting a tree must lose none of them. */
const DONE: ReadonlySet<EventType> = new Set<EventType>([
  'ActionPermitted',
  'ActionStepUp',
  'ActionCompleted',
  'ActionFailed',
  'ApprovalRequested',
  'ApprovalGiven',
  'GrantIssued',
  'GrantSuspended',
  'GrantResumed',
  'RunCompleted',
  'RunOpened',
]);

/** Formats a decision without its details: an approval of a forgotten tree is NOT_FOUND, one of another tree a mismatch. */
const outcomeOf = (decided: Decided): string =>
  JSON.stringify(decided.ok ? decided.value.map(({ type, grantId, runId }) => [type, grantId, runId]) : decided.error);

/** Keeps a state that forgets no tree, in parallel to the one that does. */
class Elephant {
  readonly state = emptyState('default/0', 'default', 0);

  follow(events: readonly Event[]): LogState {
    while (this.state.next < events.length) evolveUnasked(this.state, events[this.state.next] as Event);
    return this.state;
  }
}

describe('I2: forgetting an ended tree', () => {
  it('changes no decision, except that commands about the tree get NOT_FOUND', () => {
    const tally = new Tally();
    const property = fc.property(story, (all) => {
      const play = new Play();
      const { log } = play;
      const elephant = new Elephant();
      log.watch = (command, decided) => {
        const whole = elephant.follow(log.events);
        const otherwise = decide(whole, command, log.now, log.rules);
        if (whole.trees.size > log.state.trees.size) tally.add('forgotten');
        if (outcomeOf(decided) === outcomeOf(otherwise)) return;
        // the command had no effect before either: it was refused, or it only recorded a fact
        expect(decided).toMatchObject({ ok: false, error: { code: 'NOT_FOUND' } });
        if (otherwise.ok) for (const { type } of otherwise.value) expect(DONE.has(type)).toBe(false);
        tally.add('came too late');
      };
      play.play(all);
      for (const id of log.state.trees.keys()) expect(elephant.follow(log.events).trees.has(id)).toBe(true);
    });
    fc.assert(property, { numRuns: 50 });
    tally.atLeast(50, 'forgotten', 'came too late');
  });

  it('happens no sooner than ten minutes after its last event, and removes everything in the tree', () => {
    const tally = new Tally();
    const property = fc.property(story, (all) => {
      const play = new Play();
      const known = new Set<string>();
      play.play(all, () => {
        const { state, events } = play.log;
        for (const id of known) {
          if (state.trees.has(id)) continue;
          known.delete(id);
          const its = events.filter((event) => event.treeId === id);
          const quiet = state.lastTime - Date.parse((its.at(-1) as Event).time);
          expect(quiet).toBeGreaterThanOrEqual(10 * MINUTE);
          expect([...state.runs.values()].some(({ treeId }) => treeId === id)).toBe(false);
          expect([...state.grants.values()].some(({ treeId }) => treeId === id)).toBe(false);
          expect([...state.approvals.values()].some(({ treeId }) => treeId === id)).toBe(false);
          tally.add('forgotten');
        }
        for (const id of state.trees.keys()) known.add(id);
      });
    });
    fc.assert(property, { numRuns: 50 });
    tally.atLeast(100, 'forgotten');
  });

  it('I10: happens at the same event in every fold, including a fold from a snapshot', () => {
    const property = fc.property(story, fc.nat(), (all, when) => {
      const { events, state } = new Play().play(all).log;
      const cut = when % (events.length + 1);
      const folded = emptyState('default/0', 'default', 0);
      for (const event of events.slice(0, cut)) evolve(folded, event);
      const restored = fromSnapshot(toSnapshot(folded));
      for (const event of events.slice(cut)) {
        evolve(restored, event);
        evolve(folded, event);
        expect(restored.trees.size).toBe(folded.trees.size);
      }
      expect(stateDigest(restored)).toBe(stateDigest(state));
      expect(restored.deadlines.peek()).toEqual(state.deadlines.peek());
    });
    fc.assert(property, { numRuns: 40 });
  });
});
