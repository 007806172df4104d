import fc from 'fast-check';
import { LIMITS } from '@bailiwick/core/limits';
import { RefusalCounts, type Counts } from './refusal-counts';

fc.configureGlobal({ seed: 20260141 });

const totalOf = (counts: readonly Counts[]): number =>
  counts.reduce((sum, { refused, others = 0 }) => sum + others + refused.reduce((all, { count }) => all + count, 0), 0);

const refusal = fc.record({
  runId: fc.option(
    fc.nat(40).map((n) => `run_0_${n}`),
    { nil: undefined },
  ),
  command: fc.constantFrom('authorize', 'delegate', 'GET /v1/events'),
  verb: fc.option(
    fc.nat(60).map((n) => `verb.${n}`),
    { nil: undefined },
  ),
  code: fc.constantFrom('DENIED', 'FORBIDDEN'),
  count: fc.integer({ min: 1, max: 1_000 }),
});

describe('RefusalCounts', () => {
  it('loses no refusal, in a bounded number of rows', () => {
    const property = fc.property(fc.array(refusal, { maxLength: 400 }), (all) => {
      const counts = new RefusalCounts();
      counts.count(all, 5);
      const taken = counts.take(9);
      expect(totalOf(taken)).toBe(all.reduce((sum, { count }) => sum + count, 0));
      expect(taken.length).toBeLessThanOrEqual(LIMITS.refusalRuns + 1);
      for (const { refused } of taken) expect(refused.length).toBeLessThanOrEqual(LIMITS.refusalKinds);
      expect(counts.take(9)).toEqual([]);
      counts.putBack(taken);
      expect(totalOf(counts.take(9))).toBe(totalOf(taken));
    });
    fc.assert(property, { numRuns: 100 });
  });

  it('is due one interval after the first refusal, and never while empty', () => {
    const counts = new RefusalCounts();
    expect(counts.dueAt).toBe(Infinity);
    counts.count([{ runId: undefined, command: 'authorize', code: 'DENIED', count: 1 }], 100);
    counts.count([{ runId: undefined, command: 'authorize', code: 'DENIED', count: 1 }], 200);
    expect(counts.dueAt).toBe(100 + LIMITS.refusalSummaryMs);
    counts.take(300);
    expect(counts.dueAt).toBe(Infinity);
  });
});
