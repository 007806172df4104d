import { neverReached, report, simulateMany } from './many';

const SEEDS = 60;

describe('simulateMany', () => {
  it(`breaks no invariant in ${SEEDS} seeds and reaches every frequent situation`, async () => {
    const tally = await simulateMany(1, SEEDS);
    expect(tally.failed.map(report)).toEqual([]);
    expect(neverReached(tally)).toEqual([]);
  }, 120_000);

  it('gives the same history each time for one seed, and another history for another seed', async () => {
    const digests = async (): Promise<string[]> => {
      const all: string[] = [];
      await simulateMany(7, 3, (_tally, { digest }) => !all.push(digest));
      return all;
    };
    const first = await digests();
    expect(await digests()).toEqual(first);
    expect(new Set(first).size).toBe(3);
  }, 60_000);
});
