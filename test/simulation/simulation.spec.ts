import { neverReached, report, simulateMany } from './many';

const SEEDS = 60;

describe('the simulation', () => {
  it(`of ${SEEDS} seeds breaks no invariant, and meets what it is there to meet`, async () => {
    const tally = await simulateMany(1, SEEDS);
    expect(tally.failed.map(report)).toEqual([]);
    expect(neverReached(tally)).toEqual([]);
  }, 120_000);

  it('of one seed is the same to the last step, however often it is made, and of another it is not', async () => {
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
