import { BUS_LIMITS } from '../bus-limits';
import { eventAt, range } from '../testing/follow-world';
import { Slices } from './slices';

const batch = (count: number, isAwaited = false) => ({
  events: range(count).map((position) => eventAt(position)),
  isAwaited: () => isAwaited,
});
/** Works on the events of a slice. */
function work(slices: Slices): void {
  for (let event = 0; event < BUS_LIMITS.sliceEvents; event += 1) expect(slices.pause()).toBeUndefined();
}

describe('Slices', () => {
  it('pauses once per slice', async () => {
    let pauses = 0;
    const slices = new Slices(batch(3), async () => {
      pauses += 1;
      return true;
    });
    for (let event = 0; event < 3 * BUS_LIMITS.sliceEvents + 1; event += 1) {
      await slices.pause();
      expect(pauses).toBe(Math.floor(event / BUS_LIMITS.sliceEvents));
    }
  });

  it.each([
    ['a batch that a caller waits for', batch(3, true)],
    ['a large batch', batch(BUS_LIMITS.slicedBatch + 1)],
  ])('does not pause in %s', (_what, of) => {
    const slices = new Slices(of);
    work(slices);
    expect(slices.pause()).toBeUndefined();
  });

  it('lets slices of several followers start one after the other, and pauses no more of them than the maximum', async () => {
    const ends: (() => void)[] = [];
    const wait = (): Promise<boolean> => new Promise((resolve) => ends.push(() => resolve(true)));
    const followers = range(BUS_LIMITS.slicesPausing + 1).map(() => new Slices(batch(3), wait));
    followers.forEach(work);
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
