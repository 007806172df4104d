import { judged, type Sample } from './run';

const MINUTES = 30;
/** one every ten seconds; what a part keeps, in KB, and p99 in ms, by the minute */
const sampled = (delegation: (at: number) => number, p99: (at: number) => number = () => 10): Sample[] =>
  Array.from({ length: MINUTES * 6 }, (_, i) => i / 6).map((at) => ({
    at,
    memory: { delegation: delegation(at), nats: 20_000 },
    p50: 2,
    // a scatter that is the same in every run
    p99: p99(at) + ((at * 6) % 7) - 3,
    perSecond: 100,
    behind: { ledger: 7, intent: 3 },
  }));
const verdict = (samples: Sample[], more: object = {}) =>
  judged({ peak: 150, rate: 100, samples, drainedMs: 20, bound: 512, minutes: MINUTES, wrong: new Map(), ...more });
/** a heap: grows by 40 MB, is collected, and grows again */
const heap = (at: number): number => 100_000 + 40_000 * ((at * 1.7) % 1);

describe('what a soak says', () => {
  it('nothing, of a heap that is collected and of a p99 that scatters', () => {
    const report = verdict(sampled(heap));
    expect(report.findings).toEqual([]);
    expect(report.lag).toEqual({ most: 7, drainedMs: 20 });
    expect(report.p99.median).toBe(10);
  });

  it('that memory grows, where it grows by more than the bound; not in the warm-up', () => {
    expect(verdict(sampled((at) => heap(at) + 400 * at)).findings).toEqual([]);
    expect(verdict(sampled((at) => heap(at) + 2_000 * at)).findings).toEqual([
      expect.stringMatching(/^delegation grows by .* KB a minute; 512 are allowed for$/),
    ]);
    expect(verdict(sampled((at) => heap(at) + 40_000 * Math.min(at, 12))).findings).toEqual([]);
  });

  it('what a service keeps after a collection, whatever it held before', () => {
    const left = (kb: (at: number) => number): Sample[] =>
      sampled((at) => 100_000 + 20_000 * at).map((sample, i) =>
        i % 8 === 7 ? { ...sample, kept: { delegation: kb(sample.at) } } : sample,
      );
    expect(verdict(left((at) => 50_000 + ((at * 31) % 900))).findings).toEqual([]);
    expect(verdict(left((at) => 50_000 + 2_000 * at)).findings).toEqual([
      expect.stringMatching(/^delegation grows by 2000\.00 ± 0\.00 KB/),
    ]);
  });

  it('that p99 rises, that a lag is left, that requests went wrong', () => {
    expect(verdict(sampled(heap, (at) => 10 + at / 2)).findings).toEqual([
      expect.stringMatching(/^p99 rises by 0\.49 /),
    ]);
    expect(verdict(sampled(heap), { drainedMs: undefined }).findings).toHaveLength(1);
    expect(verdict(sampled(heap), { wrong: new Map([['a decision was deny', 3]]) }).findings).toEqual([
      '3 × a decision was deny',
    ]);
  });
});
