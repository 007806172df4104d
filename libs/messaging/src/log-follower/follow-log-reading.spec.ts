import { followLog } from './follow-log';
import { eventAt, never, onlyRetries, pauseUntil, quiet, range, World } from '../testing/follow-world';

describe('reads of followLog', () => {
  it('need no announcement of earlier events, and no polling while announcements arrive', async () => {
    const world = new World();
    world.length = 2_500;
    const follower = followLog(world.options({ sleep: never }));
    await world.until(() => world.position === 2_500);
    for (let round = 0; round < 10; round += 1) {
      world.append(10);
      await world.until(() => world.position === world.length);
    }
    expect(world.handled).toEqual(range(2_600));
    await follower.stop();
    expect([follower.position, follower.head, follower.lag]).toEqual([2_600, 2_600, 0]);
  });

  it('happen once per announcement, once for positions that do not exist, never for handled ones', async () => {
    const world = new World();
    const follower = followLog(world.options({ sleep: never }));
    await quiet();
    const readsFor = async (...heads: number[]): Promise<number> => {
      const before = world.reads;
      for (const head of heads) world.sink?.head(head);
      await quiet();
      return world.reads - before;
    };
    world.length = 10;
    expect(await readsFor(10)).toBe(1);
    expect(await readsFor(10, 3, 7, 1)).toBe(0);
    expect(await readsFor(1_000_000)).toBe(1);
    expect(await readsFor(-1, 10.5, NaN, Infinity)).toBe(0);
    world.length = 20;
    expect(await readsFor(20, 15)).toBe(1);
    await follower.stop();
    expect(world.handled).toEqual(range(20));
  });

  it('are repeated for commits that were announced during a read', async () => {
    const world = new World();
    let late = 3;
    const follower = followLog(
      world.options({
        sleep: never,
        read: async (log, from, limit) => {
          const events = await world.read(log, from, limit);
          if (late-- > 0) world.append(1); // committed right after the read, announced before it returned
          return events;
        },
      }),
    );
    await world.until(() => world.position === 3);
    await follower.stop();
  });

  it('find commits without announcement by polling', async () => {
    const world = new World();
    const follower = followLog(world.options());
    world.length = 3; // its owner died between its commit and the announcement
    await world.until(() => world.position === 3);
    await follower.stop();
  });

  it('happen without waiting when the source reports a gap', async () => {
    const world = new World();
    const follower = followLog(world.options({ sleep: never }));
    await quiet();
    world.length = 3;
    world.sink?.gap();
    await world.until(() => world.position === 3);
    await follower.stop();
  });

  it('are retried after a failure, without an announcement and without waiting for the next poll', async () => {
    const world = new World();
    world.length = 3;
    let failures = 3;
    const follower = followLog(
      world.options({
        sleep: onlyRetries,
        read: async (log, from, limit) => {
          if (failures-- > 0) throw new Error('the database is unavailable');
          return world.read(log, from, limit);
        },
      }),
    );
    await world.until(() => world.position === 3);
    expect(world.problems.map(({ where, attempt }) => [where, attempt])).toEqual([
      ['read', 1],
      ['read', 2],
      ['read', 3],
    ]);
    await follower.stop();
  });

  it('stop at a hole in the log and report it, and continue when it is gone (I5)', async () => {
    const world = new World();
    world.length = 3;
    let broken = true;
    const follower = followLog(
      world.options({
        read: async (log, from, limit) => {
          const events = await world.read(log, from, limit);
          return broken ? events.filter(({ position }) => position !== 1) : events;
        },
      }),
    );
    await pauseUntil(() => world.problems.length >= 3);
    expect(world.handled).toEqual([]);
    expect(follower.problem).toMatchObject({ where: 'read', error: { message: expect.stringContaining('(I5)') } });
    expect(world.problems.slice(0, 3).map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    broken = false;
    await world.until(() => world.position === 3);
    await pauseUntil(() => follower.problem === undefined);
    await follower.stop();
  });

  it('refuse events of another log (I9)', async () => {
    const world = new World();
    world.length = 1;
    const follower = followLog(world.options({ read: async () => [eventAt(0, 'other/0')] }));
    await pauseUntil(() => world.problems.length > 0);
    expect(String(world.problems[0]?.error)).toContain('an event of other/0 (I9)');
    expect(world.handled).toEqual([]);
    await follower.stop();
  });
});
