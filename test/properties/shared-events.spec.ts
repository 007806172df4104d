import fc from 'fast-check';
import { stateDigest } from '@bailiwick/authority/state/digest';
import { emptyState } from '@bailiwick/authority/state/state';
import { parseEvent } from '@bailiwick/contracts/events/event';
import { readWhereReadable } from '@bailiwick/contracts/events/payload';
import { readStoredEvent, shareParsing } from '@bailiwick/contracts/events/shared-parsing';
import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import { Monitor } from '../../apps/intent/src/monitor/monitor';
import { integrate } from '../../apps/ledger/src/follower/integrate';
import { moves } from './moves';
import { Play } from './play';

/** The ledger and the monitor read the same parsed events: neither may change them, or read another value in them. */
fc.configureGlobal({ seed: 20261202 });

const UNREADABLE = '{"type":"RunOpened","position":';

/** Folds events as the ledger and the monitor do, in turns, and returns what both have. */
function fold(events: readonly StoredEvent[], size: number): unknown {
  const state = emptyState('default/0', 'default', 0);
  const monitor = new Monitor(0);
  let frontier: readonly Buffer[] = [];
  const made: unknown[] = [];
  for (let from = 0; from < events.length; from += size) {
    const batch = events.slice(from, from + size);
    const result = integrate(state, frontier, batch);
    frontier = result.frontier;
    made.push(result.made);
    for (const each of batch) {
      const read = readWhereReadable(each);
      if (read) monitor.see(read.event, read.payload);
      else monitor.pass(undefined);
    }
  }
  return { state: stateDigest(state), made, reports: monitor.reports(), since: monitor.since };
}

const storedOf = (played: Play, unreadable: boolean): StoredEvent[] => {
  const stored = played.log.events.map((event) => {
    const { log, position, type, time } = event;
    return { log, position, type, time, body: JSON.stringify(event), payload: null };
  });
  return unreadable
    ? [...stored, { ...stored[0]!, position: stored.length, body: `${UNREADABLE}${stored.length}}` }]
    : stored;
};

describe('events that several readers of a process share', () => {
  it('give the same state, rows and reports as events that each parses, and stay as they are stored', () => {
    fc.assert(
      fc.property(moves(60), fc.integer({ min: 1, max: 9 }), fc.boolean(), (all, size, unreadable) => {
        const stored = storedOf(new Play().play(all), unreadable);
        const shared = stored.map((each) => ({ ...each }));
        shareParsing(shared);
        expect(fold(shared, size)).toEqual(fold(stored, size));
        for (const each of shared) {
          const read = readStoredEvent(each);
          expect(readStoredEvent(each)).toBe(read);
          if (read.ok) expect(read.value).toEqual(parseEvent(each.body));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('are frozen, with every member', () => {
    const [event] = storedOf(new Play().play(fc.sample(moves(20), { numRuns: 1, seed: 1 })[0]!), false);
    shareParsing([event!]);
    const read = readStoredEvent(event!);
    const isFrozen = (value: unknown): boolean =>
      typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(isFrozen));
    expect(read.ok && isFrozen(read.value)).toBe(true);
  });
});
