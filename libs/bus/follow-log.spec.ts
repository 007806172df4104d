import fc from 'fast-check';
import { followLog } from './follow-log';
import { eventAt, never, pause, pauseUntil, quiet, range, World } from './testing/follow-world';

fc.configureGlobal({ seed: 20260121 });

describe('followLog', () => {
  const hostile = fc.record({
    acts: fc.array(
      fc.oneof(
        {
          weight: 5,
          arbitrary: fc.record({
            kind: fc.constant('append' as const),
            count: fc.integer({ min: 1, max: 12 }),
            keep: fc.nat(4095),
          }),
        },
        { weight: 3, arbitrary: fc.record({ kind: fc.constant('again' as const), position: fc.nat(200) }) },
        {
          weight: 1,
          arbitrary: fc.record({
            kind: fc.constant('forged' as const),
            position: fc.integer({ min: 10_000, max: 20_000 }),
          }),
        },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant('gap' as const) }) },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
        { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const) }) },
      ),
      { maxLength: 40 },
    ),
    capacity: fc.integer({ min: 1, max: 40 }),
    maxBatch: fc.integer({ min: 1, max: 15 }),
    /** per call of handle: done · fails before its commit · commits, and its answer is lost */
    handle: fc.infiniteStream(fc.constantFrom('done', 'done', 'done', 'fails', 'lost')),
    repairFails: fc.infiniteStream(fc.constantFrom(false, false, false, true)),
    startFails: fc.infiniteStream(fc.constantFrom(false, false, true)),
    bodies: fc.constantFrom('message' as const, 'log' as const),
    reversed: fc.boolean(),
  });

  it('hands on everything once, over a hostile transport, to a handler that fails and loses its answers', async () => {
    await fc.assert(
      fc.asyncProperty(
        hostile,
        async ({ acts, capacity, maxBatch, handle, repairFails, startFails, bodies, reversed }) => {
          const world = new World();
          const options = world.options({
            capacity,
            maxBatch,
            bodies,
            start: async () => {
              if (startFails.next().value) throw new Error('the database is away');
              return world.position;
            },
            repair: async (log, from, limit) => {
              if (repairFails.next().value) throw new Error('the database is away');
              return world.repair(log, from, limit);
            },
            handle: async (batch) => {
              const outcome = handle.next().value;
              await pause();
              if (outcome === 'fails') throw new Error('rolled back');
              world.commit(batch);
              if (outcome === 'lost') throw new Error('the connection broke after the commit');
            },
          });
          let follower = followLog(options);
          for (const act of acts) {
            if (act.kind === 'append') {
              const fresh = range(world.length + act.count, world.length);
              world.length += act.count;
              const arriving = fresh.filter((_, index) => act.keep & (1 << index));
              for (const position of reversed ? arriving.reverse() : arriving) world.sink?.event(eventAt(position));
            } else if (act.kind === 'again') {
              if (act.position < world.length) world.sink?.event(eventAt(act.position));
            } else if (act.kind === 'forged') world.sink?.event(eventAt(act.position));
            else if (act.kind === 'gap') world.sink?.gap();
            else if (act.kind === 'wait') await pause();
            else {
              await follower.stop();
              follower = followLog(options);
            }
          }
          await world.until(() => world.position >= world.length);
          await follower.stop();
          expect(world.handled).toEqual(range(world.length));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('gives batches of at most the asked size, each from where the last one ended', async () => {
    const world = new World();
    world.length = 10;
    const batches: [number, number][] = [];
    const follower = followLog(
      world.options({
        maxBatch: 4,
        handle: async (batch) => {
          batches.push([batch.from, batch.next]);
          world.commit(batch);
        },
      }),
    );
    await world.until(() => world.position === 10);
    expect(batches).toEqual([
      [0, 4],
      [4, 8],
      [8, 10],
    ]);
    await follower.stop();
  });

  it('does not give a batch again whose commit succeeded and whose answer was lost', async () => {
    const world = new World();
    world.length = 4;
    let calls = 0;
    const follower = followLog(
      world.options({
        handle: async (batch) => {
          calls += 1;
          world.commit(batch);
          if (calls === 1) throw new Error('the connection broke after the commit');
        },
      }),
    );
    await world.until(() => world.position === 4);
    await pauseUntil(() => follower.position === 4);
    expect(calls).toBe(1);
    await follower.stop();
  });

  it('begins again where the stored position says, after another instance went on', async () => {
    const world = new World();
    world.length = 10;
    let first = true;
    const follower = followLog(
      world.options({
        maxBatch: 2,
        handle: async (batch) => {
          if (first) {
            first = false;
            world.position = 7; // another instance has handled up to here
            throw new Error('the position moved');
          }
          world.commit(batch);
        },
      }),
    );
    await world.until(() => world.position === 10);
    expect(world.handled).toEqual([7, 8, 9]);
    await follower.stop();
  });

  it('holds no more than it may while the handler is slow, and loses nothing', async () => {
    const world = new World();
    let release = (): void => undefined;
    const slow = new Promise<void>((resolve) => (release = resolve));
    let largest = 0;
    const follower = followLog(
      world.options({
        capacity: 50,
        handle: async (batch) => {
          await slow;
          largest = Math.max(largest, batch.events.length);
          world.commit(batch);
        },
      }),
    );
    await pauseUntil(() => world.reads > 0);
    for (let position = 0; position < 5_000; position += 1) {
      world.length = position + 1;
      world.sink?.event(eventAt(position));
    }
    expect(follower.lag).toBe(5_000);
    release();
    await world.until(() => world.position === 5_000);
    expect(largest).toBeLessThanOrEqual(50);
    expect(world.handled).toEqual(range(5_000));
    await follower.stop();
  });

  describe('caughtUpTo', () => {
    it('is true once the event is handled, and makes the follower look', async () => {
      const world = new World();
      const follower = followLog(world.options({ sleep: never }));
      await quiet();
      world.length = 5;
      await expect(follower.caughtUpTo(4, 10_000)).resolves.toBe(true);
      expect(world.position).toBe(5);
      await expect(follower.caughtUpTo(4, 10_000)).resolves.toBe(true);
      await follower.stop();
    });

    it('is false after its time, for a position that is not there, and when the follower stops', async () => {
      const world = new World();
      const follower = followLog(world.options({ sleep: never }));
      await expect(follower.caughtUpTo(1_000_000, 1)).resolves.toBe(false);
      const waiting = follower.caughtUpTo(0, 60_000);
      await follower.stop();
      await expect(waiting).resolves.toBe(false);
      await expect(follower.caughtUpTo(0, 60_000)).resolves.toBe(false);
    });
  });

  it('ends when its signal aborts, after the batch in hand', async () => {
    const world = new World();
    world.length = 1;
    const controller = new AbortController();
    const follower = followLog(
      world.options({
        signal: controller.signal,
        handle: async (batch) => {
          controller.abort();
          await pause();
          world.commit(batch);
        },
      }),
    );
    await world.until(() => world.position === 1);
    await follower.stop();
    expect(follower.position).toBe(1);
    expect(world.sink).toBeUndefined();
    world.length = 2;
    const late = followLog(world.options({ signal: controller.signal }));
    await late.stop();
    expect(world.handled).toEqual([0]);
  });
});
