import fc from 'fast-check';
import { readStoredEvent } from '@bailiwick/contracts/events/shared-parsing';
import { BUS_LIMITS } from '../bus-limits';
import { pause, pauseUntil, quiet, range, soon } from '../testing/follow-world';
import { Consumer, SharedLog } from '../testing/shared-world';
import { SharedReading } from './shared-reading';

fc.configureGlobal({ seed: 20261201 });

let log: SharedLog;
let shared: SharedReading;
let one: Consumer;
let other: Consumer;

beforeEach(() => {
  log = new SharedLog();
  shared = new SharedReading();
  [one, other] = [new Consumer(log.connection()), new Consumer(log.connection())];
});
afterEach(async () => {
  await Promise.all([one.stop(), other.stop()]);
});

const both = (position: number): Promise<void> =>
  pauseUntil(() => one.position === position && other.position === position);
const queries = (): number => one.connection.reads.length + other.connection.reads.length;
const start = (maxBatch?: number): void => {
  one.start(shared, maxBatch);
  other.start(shared, maxBatch);
};

describe('SharedReading', () => {
  it('reads and parses each event once for two consumers, over one subscription', async () => {
    start();
    await quiet();
    const before = queries();
    log.append(3);
    await both(3);
    await quiet();
    expect(queries() - before).toBe(1);
    expect([one.connection.subscribed, other.connection.subscribed]).toEqual([1, 0]);
    expect(one.events.map((event, i) => event === other.events[i])).toEqual([true, true, true]);
    expect(readStoredEvent(one.events[0]!)).toBe(readStoredEvent(other.events[0]!));
  });

  it('lets a consumer continue while the other takes its time, and reads for both again afterwards', async () => {
    let release: (() => void) | undefined;
    one.before = () => new Promise((resolve) => (release = resolve));
    start();
    log.append(2);
    await pauseUntil(() => release !== undefined);
    for (const count of [3, 4]) {
      log.append(count);
      const length = log.length;
      await pauseUntil(() => other.position === length);
    }
    expect(one.handled).toEqual([]);
    one.before = () => Promise.resolve();
    release?.();
    await both(9);
    await quiet();
    const before = queries();
    log.append(5);
    await both(14);
    await quiet();
    expect(queries() - before).toBe(1);
    expect([one.handled, other.handled]).toEqual([range(14), range(14)]);
  });

  it('lets a consumer continue while the other fails, which repeats its own batch', async () => {
    let failures = 3;
    one.before = async () => {
      if (failures-- > 0) throw new Error('no table');
    };
    start();
    log.append(4);
    await pauseUntil(() => other.position === 4);
    await both(4);
    expect([one.problems.map(({ where }) => where), other.problems]).toEqual([['handle', 'handle', 'handle'], []]);
    expect([one.handled, other.handled]).toEqual([range(4), range(4)]);
  });

  it('reads with the connection of the other consumer if that of the first fails', async () => {
    one.connection.failing = () => true;
    start();
    log.append(4);
    await pauseUntil(() => other.position === 4);
    await pauseUntil(() => one.problems.length > 0);
    expect(other.problems).toEqual([]);
    one.connection.failing = undefined;
    await both(4);
  });

  it('reads with the connection of the other consumer if that of the first is slow, and ignores its late result', async () => {
    let end: (() => void) | undefined;
    shared = new SharedReading(async (ms, signal) => {
      await new Promise<void>((resolve) => (end = resolve));
      return ms === BUS_LIMITS.sharedReadMs && !signal.aborted;
    });
    let answer: (() => void) | undefined;
    one.connection.before = () => new Promise((resolve) => (answer = resolve));
    log.length = 4;
    start();
    await pauseUntil(() => answer !== undefined);
    expect(queries()).toBe(0);
    end?.();
    await quiet();
    expect(other.position).toBe(4);
    log.append(3); // the first read is still under way
    await pauseUntil(() => other.position === 7);
    expect(one.handled).toEqual([]);
    one.connection.before = () => Promise.resolve();
    answer?.();
    await both(7);
    await quiet();
    expect([one.handled, other.handled]).toEqual([range(7), range(7)]);
    const before = queries();
    log.append(2);
    await both(9);
    expect(queries() - before).toBe(1);
  });

  it('does not take the end of a full read for the end of the log', async () => {
    other.position = 4;
    log.length = 25;
    start(10);
    await both(25);
    expect([one.handled, other.handled]).toEqual([range(25), range(25, 4)]);
  });

  it('passes the end of the log to a consumer that is ahead, without another query', async () => {
    other.position = 4;
    log.length = 8;
    start(10);
    await both(8);
    expect([queries(), one.problems, other.problems]).toEqual([1, [], []]);
    expect([one.handled, other.handled]).toEqual([range(8), range(8, 4)]);
  });

  it('subscribes over the connection of the other consumer once the first stops', async () => {
    start();
    await quiet();
    await one.stop();
    log.append(2);
    await pauseUntil(() => other.position === 2);
    expect([one.connection.subscribed, other.connection.subscribed]).toEqual([1, 1]);
  });

  it('ends the wait of a consumer that a caller waits for, and of no other', async () => {
    const ends: string[] = [];
    const wait = (name: string): AbortController => {
      const hurry = new AbortController();
      const reading = shared.reader(log.connection());
      void reading.gather('default/0', 60_000, hurry.signal).then((passed) => ends.push(`${name} ${passed}`));
      return hurry;
    };
    const [first, second] = [wait('first'), wait('second')];
    first.abort();
    await quiet();
    expect(ends).toEqual(['first false']);
    second.abort();
    await quiet();
    expect(ends).toEqual(['first false', 'second false']);
  });

  it('passes every event to each consumer once and in order, however they and their process fail', async () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant('append' as const), count: fc.integer({ min: 1, max: 7 }) }),
      },
      fc.record({ do: fc.constant('fail' as const), who: fc.boolean(), times: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ do: fc.constant('cut' as const), who: fc.boolean(), times: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ do: fc.constant('delay' as const), who: fc.boolean(), times: fc.integer({ min: 1, max: 12 }) }),
      fc.record({ do: fc.constant('slow' as const), who: fc.boolean(), times: fc.integer({ min: 1, max: 12 }) }),
      fc.record({ do: fc.constant('crash' as const), after: fc.integer({ min: 0, max: 9 }) }),
    );
    const seen = { fail: 0, cut: 0, delay: 0, slow: 0, crash: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
        log = new SharedLog();
        const consumers = [new Consumer(log.connection()), new Consumer(log.connection())];
        let reading = new SharedReading(soon); // a slow read is late
        consumers.forEach((each) => each.start(reading, 5));
        for (const each of steps) {
          if (each.do === 'append') log.append(each.count);
          else if (each.do === 'crash') {
            for (let i = 0; i < each.after; i += 1) await pause();
            await Promise.all(consumers.map((consumer) => consumer.kill()));
            reading = new SharedReading(soon);
            consumers.forEach((consumer) => consumer.start(reading, 5));
            seen.crash += 1;
          } else {
            const consumer = consumers[Number(each.who)] as Consumer;
            let left = each.times;
            const isDue = (): boolean => left-- > 0;
            if (each.do === 'cut') consumer.connection.failing = () => isDue() && Boolean((seen.cut += 1));
            else if (each.do === 'slow')
              consumer.connection.before = async () => {
                for (; isDue(); seen.slow += 1) await pause();
              };
            else
              consumer.before = async () => {
                if (each.do === 'delay') for (; isDue(); seen.delay += 1) await pause();
                else if (isDue() && Boolean((seen.fail += 1))) throw new Error('no table');
              };
            await pause();
          }
        }
        await pauseUntil(() => consumers.every(({ position }) => position === log.length));
        await Promise.all(consumers.map((each) => each.stop()));
        for (const { handled } of consumers) expect(handled).toEqual(range(log.length));
      }),
      { numRuns: 60 },
    );
    for (const [fault, times] of Object.entries(seen)) expect([fault, times > 10]).toEqual([fault, true]);
  });
});
