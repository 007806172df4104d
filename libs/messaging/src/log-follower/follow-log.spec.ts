import fc from 'fast-check';
import { followLog } from './follow-log';
import { BUS_LIMITS } from '../bus-limits';
import { never, pause, pauseUntil, quiet, range, World } from '../testing/follow-world';

fc.configureGlobal({ seed: 20260121 });

describe('followLog', () => {
  const one = <K extends string>(weight: number, kind: K) => ({
    weight,
    arbitrary: fc.record({ kind: fc.constant(kind), at: fc.nat(10_000) }),
  });
  const commit = {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      count: fc.integer({ min: 1, max: 12 }),
      news: fc.constantFrom('prompt', 'late', 'lost'),
    }),
  };
  const hostile = fc.record({
    acts: fc.array(
      fc.oneof(
        commit,
        one(2, 'late'),
        one(2, 'again'),
        one(1, 'forged'),
        one(1, 'gap'),
        one(1, 'restart'),
        one(3, 'wait'),
      ),
      { maxLength: 40 },
    ),
    maxBatch: fc.integer({ min: 1, max: 15 }),
    gatherMs: fc.constantFrom(0, 20),
    /** per call of handle: done · fails before its commit · commits, and its result is lost */
    handle: fc.infiniteStream(fc.constantFrom('done', 'done', 'done', 'fails', 'lost')),
    readFails: fc.infiniteStream(fc.constantFrom(false, false, false, true)),
    startFails: fc.infiniteStream(fc.constantFrom(false, false, true)),
  });

  it('hands over every event once, with a hostile transport and a handler that fails and loses results', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async ({ acts, maxBatch, gatherMs, handle, readFails, startFails }) => {
        const world = new World();
        const options = world.options({
          maxBatch,
          gatherMs,
          start: async () => {
            if (startFails.next().value) throw new Error('the database is unavailable');
            return world.position;
          },
          read: async (log, from, limit) => {
            if (readFails.next().value) throw new Error('the database is unavailable');
            return world.read(log, from, limit);
          },
          handle: async (batch) => {
            const outcome = handle.next().value;
            await pause();
            if (outcome === 'fails') throw new Error('rolled back');
            world.commit(batch);
            if (outcome === 'lost') throw new Error('the connection broke after the commit');
          },
        });
        const announced: number[] = [0];
        const late: number[] = [];
        const hear = (head: number | undefined): void => {
          if (head !== undefined) world.sink?.head(head);
        };
        let follower = followLog(options);
        for (const act of acts) {
          if (act.kind === 'commit') {
            world.length += act.count;
            announced.push(world.length);
            if (act.news === 'prompt') hear(world.length);
            else if (act.news === 'late') late.push(world.length);
          } else if (act.kind === 'late') hear(late.splice(act.at % (late.length || 1), 1)[0]);
          else if (act.kind === 'again') hear(announced[act.at % announced.length]);
          else if (act.kind === 'forged') hear(world.length + 1 + act.at);
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
      }),
      { numRuns: 1_000 },
    );
  });

  it('forms batches of at most the given size, each starting where the last one ended', async () => {
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

  it('does not repeat a batch whose commit succeeded and whose result was lost', async () => {
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

  it('restarts from the stored position after another instance advanced it', async () => {
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

  it('holds one batch while the handler is slow, regardless of announcements, and loses nothing', async () => {
    const world = new World();
    let release = (): void => undefined;
    const slow = new Promise<void>((resolve) => (release = resolve));
    let largest = 0;
    world.length = 1;
    const follower = followLog(
      world.options({
        maxBatch: 50,
        handle: async (batch) => {
          await slow;
          largest = Math.max(largest, batch.events.length);
          world.commit(batch);
        },
      }),
    );
    await pauseUntil(() => world.reads === 1);
    for (let round = 0; round < 500; round += 1) world.append(10);
    await quiet();
    expect(world.reads).toBe(1);
    expect(follower.lag).toBe(5_001);
    release();
    await world.until(() => world.position === 5_001);
    expect(largest).toBe(50);
    expect(world.handled).toEqual(range(5_001));
    await follower.stop();
  });

  it('reads at most the maximum batch of the bus, regardless of maxBatch', async () => {
    const world = new World();
    world.length = BUS_LIMITS.followBatch + 1;
    const asked: number[] = [];
    const follower = followLog(
      world.options({
        maxBatch: 1_000_000,
        read: (log, from, limit) => {
          asked.push(limit);
          return world.read(log, from, limit);
        },
      }),
    );
    await world.until(() => world.position === world.length);
    await follower.stop();
    expect(new Set(asked)).toEqual(new Set([BUS_LIMITS.followBatch]));
  });

  describe('caughtUpTo', () => {
    it('is true once the event is handled, and makes the follower poll', async () => {
      const world = new World();
      const follower = followLog(world.options({ sleep: never }));
      await quiet();
      world.length = 5;
      await expect(follower.caughtUpTo(4, 10_000)).resolves.toBe(true);
      expect(world.position).toBe(5);
      await expect(follower.caughtUpTo(4, 10_000)).resolves.toBe(true);
      await follower.stop();
    });

    it('is false after its time-out, for a position that does not exist, and when the follower stops', async () => {
      const world = new World();
      const follower = followLog(world.options({ sleep: never }));
      await expect(follower.caughtUpTo(1_000_000, 1)).resolves.toBe(false);
      const waiting = follower.caughtUpTo(0, 60_000);
      await follower.stop();
      await expect(waiting).resolves.toBe(false);
      await expect(follower.caughtUpTo(0, 60_000)).resolves.toBe(false);
    });
  });

  it('ends after the current batch when its signal aborts', async () => {
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
