import { followStored } from './follow-stored';
import { World } from '../testing/follow-world';

describe('followStored', () => {
  it('handles every event of the log, and logs a failed step with its reason before it repeats it', async () => {
    const world = new World();
    world.append(3);
    const warnings: unknown[] = [];
    const failure = new Error('no database');
    let attempts = 0;
    const follower = followStored(
      {
        log: 'default/0',
        source: world.source,
        eventlog: world,
        warn: (message, cause) => warnings.push([message, cause]),
      },
      {
        start: async () => world.position,
        handle: async (batch) => {
          attempts += 1;
          if (attempts === 1) throw failure;
          world.commit(batch);
        },
      },
    );
    expect(await follower.caughtUpTo(2, 5_000)).toBe(true);
    await follower.stop();
    expect(world.handled).toEqual([0, 1, 2]);
    expect(warnings).toEqual([['following default/0: handle failed (attempt 1)', failure]]);
  });
});
