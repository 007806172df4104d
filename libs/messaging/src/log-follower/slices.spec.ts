import { BUS_LIMITS } from '../limits';
import { eventAt, range } from '../testing/follow-world';
import { Slices } from './slices';

const batch = (count: number, isAwaited = false) => ({
  events: range(count).map((position) => eventAt(position)),
  isAwaited: () => isAwaited,
});
/** Works until a slice is over. */
function work(): void {
  const from = performance.now();
  while (performance.now() - from < BUS_LIMITS.sliceMs);
}

describe('Slices', () => {
  it('pauses once per slice', async () => {
    let pauses = 0;
    const slices = new Slices(batch(3), async () => {
      pauses += 1;
      return true;
    });
    for (let slice = 1; slice <= 3; slice += 1) {
      work();
      await slices.pause();
      expect(pauses).toBe(slice);
    }
  });

  it.each([
    ['a batch that a caller waits for', batch(3, true)],
    ['a large batch', batch(BUS_LIMITS.slicedBatch + 1)],
  ])('does not pause in %s', (_what, of) => {
    const slices = new Slices(of);
    work();
    expect(slices.pause()).toBeUndefined();
  });

  it('lets slices of several followers start one after the other, and pauses no more of them than the maximum', async () => {
    const ends: (() => void)[] = [];
    const wait = (): Promise<boolean> => new Promise((resolve) => ends.push(() => resolve(true)));
    const followers = range(BUS_LIMITS.slicesPausing + 1).map(() => new Slices(batch(3), wait));
    work();
    const pauses = followers.map((each) => each.pause());
    expect(pauses.map((each) => each !== undefined)).toEqual([...pauses.slice(1).map(() => true), false]);
    for (const [index, pause] of pauses.slice(0, -1).entries()) {
      await Promise.resolve();
      expect(ends).toHaveLength(index + 1);
      ends[index]?.();
      await pause;
    }
  });
});
