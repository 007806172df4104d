import { LIMITS } from '@bailiwick/core/limits';
import { mostOverdue, type Known } from './snapshot-schedule';

const EVERY = LIMITS.snapshotEveryEvents;
/** chars of a state that is due after 2.2 times as many events */
const LARGE = 2_200 * EVERY;
const NOW = 100_000;
const failed = (count: number, agoMs: number): Known => ({
  position: 0,
  failures: { count, at: NOW - agoMs },
});

describe('the next snapshot', () => {
  const at = (position: number, chars?: number): Known => ({ position, chars });
  const cases: [what: string, heads: Record<string, number>, known: Record<string, Known>, log: string | null][] = [
    ['is of no log that has not grown enough', { 'a/0': EVERY - 1 }, {}, null],
    ['is of a log that has', { 'a/0': EVERY }, {}, 'a/0'],
    ['counts from the last', { 'a/0': 2 * EVERY - 1, 'b/0': EVERY + 7 }, { 'a/0': at(EVERY), 'b/0': at(7) }, 'b/0'],
    ['is of the log that has waited longest', { 'a/0': EVERY, 'b/0': 3 * EVERY, 'c/0': 2 * EVERY }, {}, 'b/0'],
    ['is due later where much must be written down', { 'a/0': 3 * EVERY }, { 'a/0': at(EVERY, LARGE) }, null],
    ['is due in the end', { 'a/0': 3.2 * EVERY }, { 'a/0': at(EVERY, LARGE) }, 'a/0'],
    [
      'is not of a log of which one has just failed',
      { 'a/0': 9 * EVERY, 'b/0': EVERY },
      { 'a/0': failed(1, 29_999) },
      'b/0',
    ],
    ['is tried again after half a minute', { 'a/0': 9 * EVERY, 'b/0': EVERY }, { 'a/0': failed(1, 30_000) }, 'a/0'],
    ['is tried again after longer where more have failed', { 'a/0': 9 * EVERY }, { 'a/0': failed(3, 119_999) }, null],
    ['is tried again after an hour at most', { 'a/0': 9 * EVERY }, { 'a/0': failed(50, 3_600_000) }, 'a/0'],
  ];
  it.each(cases)('%s', (_, heads, known, log) => {
    expect(mostOverdue(heads, new Map(Object.entries(known)), NOW)?.log ?? null).toBe(log);
  });

  it.each<[string, Known, number]>([
    ['when it is far behind', at(0, 0), 10 * EVERY],
    ['the later the more it costs', at(0, LARGE), 22 * EVERY],
    ['never where nobody knows what it costs', at(0), Infinity],
    ['never where the last one failed', { ...failed(1, 60_000), chars: 0 }, Infinity],
  ])('is taken in a hurry %s', (_, known, hurryFrom) => {
    expect(mostOverdue({ 'a/0': 90 * EVERY }, new Map([['a/0', known]]), NOW)?.hurryFrom).toBe(hurryFrom);
  });
});
