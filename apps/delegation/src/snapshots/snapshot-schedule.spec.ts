import { LIMITS } from '@bailiwick/core/limits';
import { mostOverdue, type Known } from './snapshot-schedule';

const EVERY = LIMITS.snapshotEveryEvents;
/** size of a snapshot whose next one is due after 2.2 intervals */
const LARGE = 2_200 * EVERY;
const NOW = 100_000;
const failed = (count: number, agoMs: number): Known => ({
  position: 0,
  failures: { count, at: NOW - agoMs },
});

describe('mostOverdue', () => {
  const at = (position: number, chars?: number): Known => ({ position, chars });
  const cases: [what: string, heads: Record<string, number>, known: Record<string, Known>, log: string | null][] = [
    ['selects no log that has not grown by an interval', { 'a/0': EVERY - 1 }, {}, null],
    ['selects a log that has grown by an interval', { 'a/0': EVERY }, {}, 'a/0'],
    [
      'counts from the newest snapshot',
      { 'a/0': 2 * EVERY - 1, 'b/0': EVERY + 7 },
      { 'a/0': at(EVERY), 'b/0': at(7) },
      'b/0',
    ],
    ['selects the log that is most overdue', { 'a/0': EVERY, 'b/0': 3 * EVERY, 'c/0': 2 * EVERY }, {}, 'b/0'],
    ['waits longer if the state is large', { 'a/0': 3 * EVERY }, { 'a/0': at(EVERY, LARGE) }, null],
    ['selects a log with a large state in the end', { 'a/0': 3.2 * EVERY }, { 'a/0': at(EVERY, LARGE) }, 'a/0'],
    [
      'skips a log whose snapshot has just failed',
      { 'a/0': 9 * EVERY, 'b/0': EVERY },
      { 'a/0': failed(1, 29_999) },
      'b/0',
    ],
    ['retries after 30 s', { 'a/0': 9 * EVERY, 'b/0': EVERY }, { 'a/0': failed(1, 30_000) }, 'a/0'],
    ['retries later after several failures', { 'a/0': 9 * EVERY }, { 'a/0': failed(3, 119_999) }, null],
    ['retries after at most an hour', { 'a/0': 9 * EVERY }, { 'a/0': failed(50, 3_600_000) }, 'a/0'],
  ];
  it.each(cases)('%s', (_, heads, known, log) => {
    expect(mostOverdue(heads, new Map(Object.entries(known)), NOW)?.log ?? null).toBe(log);
  });

  it.each<[string, Known, number]>([
    ['10 intervals if the state is small', at(0, 0), 10 * EVERY],
    ['more events if the state is large', at(0, LARGE), 22 * EVERY],
    ['infinitely many events if the cost is unknown', at(0), Infinity],
    ['infinitely many events if the last attempt failed', { ...failed(1, 60_000), chars: 0 }, Infinity],
  ])('allows full speed after %s', (_, known, hurryFrom) => {
    expect(mostOverdue({ 'a/0': 90 * EVERY }, new Map([['a/0', known]]), NOW)?.hurryFrom).toBe(hurryFrom);
  });
});
