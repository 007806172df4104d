import { followLog, type FollowOptions } from './follow-log';
import { never, quiet, World } from '../testing/follow-world';

const GATHER = 20;

describe('followLog with gatherMs', () => {
  let world: World;
  let batches: number[];
  /** ends the current wait as if its time had passed */
  let pass: (() => void) | undefined;
  let gathered: number;

  const start = async (more: Partial<FollowOptions> = {}) => {
    const follower = followLog(
      world.options({
        gatherMs: GATHER,
        maxBatch: 10,
        handle: async (batch) => {
          batches.push(batch.events.length);
          world.commit(batch);
        },
        sleep: (ms, signal) => {
          if (ms !== GATHER) return never(ms, signal);
          gathered += 1;
          return Promise.race([never(ms, signal), new Promise<boolean>((resolve) => (pass = () => resolve(true)))]);
        },
        ...more,
      }),
    );
    await quiet();
    return follower;
  };

  beforeEach(() => {
    world = new World();
    batches = [];
    pass = undefined;
    gathered = 0;
  });

  it('forms one batch of the events that arrive within its time', async () => {
    const follower = await start();
    for (const count of [2, 1, 3]) {
      world.append(count);
      await quiet();
    }
    expect(batches).toEqual([]);
    pass?.();
    await world.until(() => world.position === 6);
    expect([batches, gathered]).toEqual([[6], 1]);
    await follower.stop();
  });

  it('does not wait without gatherMs', async () => {
    const follower = await start({ gatherMs: undefined });
    for (const count of [2, 1]) {
      world.append(count);
      await quiet();
    }
    expect([batches, gathered]).toEqual([[2, 1], 0]);
    await follower.stop();
  });

  it('reads at once when the events fill a batch', async () => {
    const follower = await start();
    world.append(9);
    await quiet();
    expect(batches).toEqual([]);
    world.append(1);
    await quiet();
    expect([batches, gathered]).toEqual([[10], 1]);
    await follower.stop();
  });

  it('does not delay callers that wait for an event, whether it was announced or not', async () => {
    const follower = await start();
    world.append(1);
    await quiet();
    expect(await follower.caughtUpTo(0, 10_000)).toBe(true);
    world.length += 1; // without an announcement
    expect(await follower.caughtUpTo(1, 10_000)).toBe(true);
    const early = follower.caughtUpTo(2, 10_000);
    await quiet();
    world.append(1);
    expect(await early).toBe(true);
    expect([batches, gathered]).toEqual([[1, 1, 1], 1]);
    await follower.stop();
  });

  it('reads events from before its start, and after a gap, without waiting', async () => {
    world.length = 25;
    const follower = await start();
    expect(batches).toEqual([10, 10, 5]);
    world.length = 27;
    world.sink?.gap();
    await quiet();
    expect([batches, gathered]).toEqual([[10, 10, 5, 2], 0]);
    await follower.stop();
  });

  it('stops waiting when it is stopped', async () => {
    const follower = await start();
    world.append(1);
    await quiet();
    await follower.stop();
    expect([batches, gathered]).toEqual([[], 1]);
  });
});
