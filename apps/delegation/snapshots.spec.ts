import { LIMITS } from '#kernel/limits';
import { mostOverdue } from './snapshots';

const EVERY = LIMITS.snapshotEveryEvents;
/** due after 2.2 times as many events */
const LARGE = 2_200 * EVERY;

describe('the next snapshot', () => {
  const cases: [
    what: string,
    heads: Record<string, number>,
    taken: Record<string, [number, number]>,
    log: string | null,
  ][] = [
    ['is of no log that has not grown enough', { 'a/0': EVERY - 1 }, {}, null],
    ['is of a log that has', { 'a/0': EVERY }, {}, 'a/0'],
    ['counts from the last', { 'a/0': 2 * EVERY - 1, 'b/0': EVERY + 7 }, { 'a/0': [EVERY, 2], 'b/0': [7, 2] }, 'b/0'],
    ['is of the log that has waited longest', { 'a/0': EVERY, 'b/0': 3 * EVERY, 'c/0': 2 * EVERY }, {}, 'b/0'],
    ['is due later where much must be written down', { 'a/0': 3 * EVERY }, { 'a/0': [EVERY, LARGE] }, null],
    ['is due in the end', { 'a/0': 3.2 * EVERY }, { 'a/0': [EVERY, LARGE] }, 'a/0'],
    [
      'is of a small log before a large one that is not so late',
      { 'a/0': 4 * EVERY, 'b/0': 2 * EVERY },
      { 'a/0': [EVERY, LARGE] },
      'b/0',
    ],
  ];
  it.each(cases)('%s', (_, heads, taken, log) => {
    const known = new Map(Object.entries(taken).map(([name, [position, chars]]) => [name, { position, chars }]));
    expect(mostOverdue(heads, known)?.log ?? null).toBe(log);
  });
});
