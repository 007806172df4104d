import { evaluate, type Sample } from './run';

const MINUTES = 30;
/** One sample every ten seconds; the functions give the memory in KB and p99 in ms at each minute. */
const sampled = (delegation: (at: number) => number, p99: (at: number) => number = () => 10): Sample[] =>
  Array.from({ length: MINUTES * 6 }, (_, i) => i / 6).map((at) => ({
    at,
    memory: { delegation: delegation(at), nats: 20_000 },
    p50: 2,
    // deterministic scatter
    p99: p99(at) + ((at * 6) % 7) - 3,
    perSecond: 100,
    behind: { ledger: 7, intent: 3 },
  }));
const reportOf = (samples: Sample[], more: object = {}) =>
  evaluate({
    peak: 150,
    rate: 100,
    samples,
    drainedMs: 20,
    bound: 512,
    minutes: MINUTES,
    failures: new Map(),
    ...more,
  });
/** A heap that grows by 40 MB, is collected, and grows again. */
const heap = (at: number): number => 100_000 + 40_000 * ((at * 1.7) % 1);

describe('the report of a soak', () => {
  it('has no finding for a heap that is collected and a p99 that scatters', () => {
    const report = reportOf(sampled(heap));
    expect(report.findings).toEqual([]);
    expect(report.lag).toEqual({ most: 7, drainedMs: 20 });
    expect(report.p99.median).toBe(10);
  });

  it('has a finding if memory grows by more than the bound after the warm-up', () => {
    expect(reportOf(sampled((at) => heap(at) + 400 * at)).findings).toEqual([]);
    expect(reportOf(sampled((at) => heap(at) + 2_000 * at)).findings).toEqual([
      expect.stringMatching(/^delegation grows by .* KB per minute; the limit is 512$/),
    ]);
    expect(reportOf(sampled((at) => heap(at) + 40_000 * Math.min(at, 12))).findings).toEqual([]);
  });

  it('judges a service by its memory after a collection, not by its peak', () => {
    const collectedAt = (kb: (at: number) => number): Sample[] =>
      sampled((at) => 100_000 + 20_000 * at).map((sample, i) =>
        i % 8 === 7 ? { ...sample, kept: { delegation: kb(sample.at) } } : sample,
      );
    expect(reportOf(collectedAt((at) => 50_000 + ((at * 31) % 900))).findings).toEqual([]);
    expect(reportOf(collectedAt((at) => 50_000 + 2_000 * at)).findings).toEqual([
      expect.stringMatching(/^delegation grows by 2000\.00 ± 0\.00 KB/),
    ]);
  });

  it('has a finding if p99 rises, if followers still lag, or if requests failed', () => {
    expect(reportOf(sampled(heap, (at) => 10 + at / 2)).findings).toEqual([
      expect.stringMatching(/^p99 rises by 0\.49 /),
    ]);
    expect(reportOf(sampled(heap), { drainedMs: undefined }).findings).toHaveLength(1);
    expect(reportOf(sampled(heap), { failures: new Map([['decision deny', 3]]) }).findings).toEqual([
      '3 × decision deny',
    ]);
  });
});
