import { followLog, type FollowedEvent } from './follow-log';
import { eventAt, never, onlyRetries, pauseUntil, quiet, range, World } from './testing/follow-world';

describe('what followLog takes from messages, and what from the log', () => {
  it('needs no message at all, and no polling while messages come in order', async () => {
    const world = new World();
    world.length = 2_500;
    const follower = followLog(world.options({ sleep: never }));
    await world.until(() => world.position === 2_500);
    const reads = world.reads;
    for (let position = 2_500; position < 2_600; position += 1) {
      world.length = position + 1;
      world.sink?.event(eventAt(position));
    }
    await world.until(() => world.position === 2_600);
    expect(world.reads - reads).toBeLessThanOrEqual(1); // the look that ends the start
    expect(world.handled).toEqual(range(2_600));
    await follower.stop();
    expect([follower.position, follower.head, follower.lag]).toEqual([2_600, 2_600, 0]);
  });

  it('finds a lost last message by looking into the log when it is quiet', async () => {
    const world = new World();
    const follower = followLog(world.options());
    world.length = 3; // and no message says so
    await world.until(() => world.position === 3);
    await follower.stop();
  });

  it('looks into the log when the source reports a gap, without waiting', async () => {
    const world = new World();
    const follower = followLog(world.options({ sleep: never }));
    await quiet();
    world.length = 3;
    world.sink?.gap();
    await world.until(() => world.position === 3);
    await follower.stop();
  });

  it('takes every byte from the log where it is asked to, so that a forged message changes nothing', async () => {
    const world = new World();
    const bodies: string[] = [];
    const follower = followLog(
      world.options({
        bodies: 'log',
        sleep: never,
        handle: async (batch) => {
          bodies.push(...batch.events.map(({ body }) => body));
          world.commit(batch);
        },
      }),
    );
    await quiet();
    world.length = 1;
    world.sink?.event({ ...eventAt(0), body: '{"forged":true}' });
    await world.until(() => world.position === 1);
    expect(bodies).toEqual(['{"position":0}']);
    await follower.stop();
  });

  it('ignores events of another log, and positions that are none (I9)', async () => {
    const world = new World();
    const handled: FollowedEvent[] = [];
    const follower = followLog(
      world.options({
        sleep: never,
        handle: async (batch) => {
          handled.push(...batch.events);
          world.commit(batch);
        },
      }),
    );
    await quiet();
    world.sink?.event(eventAt(0, 'other/0'));
    for (const position of [-1, 0.5, NaN, Infinity]) world.sink?.event(eventAt(position));
    world.length = 1;
    world.sink?.event(eventAt(0));
    await world.until(() => world.position === 1);
    expect(handled).toEqual([eventAt(0)]);
    await follower.stop();
  });

  it('reads again after a reading failed, without a message and without waiting for the next look', async () => {
    const world = new World();
    world.length = 3;
    let failures = 3;
    const follower = followLog(
      world.options({
        sleep: onlyRetries,
        repair: async (log, from, limit) => {
          if (failures-- > 0) throw new Error('the database is away');
          return world.repair(log, from, limit);
        },
      }),
    );
    await world.until(() => world.position === 3);
    expect(world.problems.map(({ where, attempt }) => [where, attempt])).toEqual([
      ['repair', 1],
      ['repair', 2],
      ['repair', 3],
    ]);
    await follower.stop();
  });

  it('stops at a hole in the log and says so, and goes on when it is gone (I5)', async () => {
    const world = new World();
    world.length = 3;
    let broken = true;
    const follower = followLog(
      world.options({
        repair: async (log, from, limit) => {
          const events = await world.repair(log, from, limit);
          return broken ? events.filter(({ position }) => position !== 1) : events;
        },
      }),
    );
    await pauseUntil(() => world.problems.length >= 3);
    expect(world.handled).toEqual([]);
    expect(follower.problem).toMatchObject({ where: 'repair', error: { message: expect.stringContaining('(I5)') } });
    expect(world.problems.slice(0, 3).map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    broken = false;
    await world.until(() => world.position === 3);
    await pauseUntil(() => follower.problem === undefined);
    await follower.stop();
  });

  it('refuses a reading of another log (I9)', async () => {
    const world = new World();
    world.length = 1;
    const follower = followLog(world.options({ repair: async () => [eventAt(0, 'other/0')] }));
    await pauseUntil(() => world.problems.length > 0);
    expect(String(world.problems[0]?.error)).toContain('an event of other/0 (I9)');
    expect(world.handled).toEqual([]);
    await follower.stop();
  });
});
