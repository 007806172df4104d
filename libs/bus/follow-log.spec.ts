import fc from 'fast-check';
import {
  followLog,
  type Batch,
  type FollowedEvent,
  type FollowOptions,
  type Problem,
  type SourceSink,
} from './follow-log';
import { BUS_LIMITS } from './limits';

fc.configureGlobal({ seed: 20260121 });

const LOG = 'default/0';
const eventAt = (position: number, log = LOG): FollowedEvent => ({
  log,
  position,
  type: 'RunOpened',
  time: '2026-01-01T00:00:00.000Z',
  body: `{"position":${position}}`,
});

/** A log that grows, and a consumer whose result and position change in one step, as in one transaction. */
class World {
  length = 0;
  position = 0;
  handled: number[] = [];
  reads = 0;
  problems: Problem[] = [];
  sink: SourceSink | undefined;
  private readonly changed = new Set<() => void>();

  readonly source = {
    subscribe: (_log: string, sink: SourceSink) => {
      this.sink = sink;
      return { stop: async () => void (this.sink = undefined) };
    },
  };

  repair = async (log: string, from: number, limit: number): Promise<FollowedEvent[]> => {
    this.reads += 1;
    await pause();
    const count = Math.max(0, Math.min(limit, this.length - from));
    return Array.from({ length: count }, (_, index) => eventAt(from + index, log));
  };

  commit(batch: Batch): void {
    if (batch.from !== this.position)
      throw new Error(`stored position is ${this.position}, the batch is from ${batch.from}`);
    this.handled.push(...batch.events.map(({ position }) => position));
    this.position = batch.next;
    for (const check of [...this.changed]) check();
  }

  options(more: Partial<FollowOptions> = {}): FollowOptions {
    return {
      log: LOG,
      source: this.source,
      repair: this.repair,
      start: async () => this.position,
      handle: async (batch) => this.commit(batch),
      onProblem: (problem) => this.problems.push(problem),
      sleep: soon,
      ...more,
    };
  }

  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!condition()) return;
        this.changed.delete(check);
        resolve();
      };
      this.changed.add(check);
      check();
    });
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Time that passes as soon as everything else has had its turn. */
const soon = async (_ms: number, signal: AbortSignal): Promise<boolean> => {
  await pause();
  await pause();
  return !signal.aborted;
};

/** No time ever passes: only messages, gaps and requests move the follower. */
const never = (_ms: number, signal: AbortSignal): Promise<boolean> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(false);
    else signal.addEventListener('abort', () => resolve(false), { once: true });
  });

/** Only pauses after a failure pass; being quiet lasts for ever. */
const onlyRetries = (ms: number, signal: AbortSignal): Promise<boolean> =>
  ms < BUS_LIMITS.pollMs ? soon(ms, signal) : never(ms, signal);

/** Until the follower has nothing to do any more. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await pause();
}

const range = (end: number, from = 0): number[] => Array.from({ length: end - from }, (_, index) => from + index);

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

async function pauseUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await pause();
}
