import { QueueFullError, SerialQueue } from './serial-queue';

/** Creates work that the test ends. */
function held<T>(value: T): { work: () => Promise<T>; end: () => void; hasStarted: () => boolean } {
  let end = (): void => undefined;
  let started = false;
  const until = new Promise<void>((resolve) => (end = resolve));
  const work = async (): Promise<T> => {
    started = true;
    await until;
    return value;
  };
  return { work, end, hasStarted: () => started };
}

describe('SerialQueue', () => {
  it('runs work one at a time, in the order of the calls', async () => {
    const queue = new SerialQueue('it is being done', 2, 60_000);
    const all = ['a', 'b', 'c'].map(held);
    const done: string[] = [];
    const taken = all.map(async ({ work }) => void done.push(await queue.take(work)));
    for (let i = 0; i < 3; i += 1) {
      expect(all.map(({ hasStarted }) => hasStarted())).toEqual([0, 1, 2].map((each) => each <= i));
      all[i]?.end();
      await taken[i];
    }
    expect(done).toEqual(['a', 'b', 'c']);
  });

  it('refuses work at once if too much is waiting, and accepts it again afterwards', async () => {
    const queue = new SerialQueue('it is being done', 1, 60_000);
    const first = held(1);
    const taken = [queue.take(first.work), queue.take(() => Promise.resolve(2))];
    await expect(queue.take(() => Promise.resolve(3))).rejects.toThrow(
      new QueueFullError('it is being done, and others wait for it; try again shortly'),
    );
    first.end();
    expect(await Promise.all(taken)).toEqual([1, 2]);
    expect(await queue.take(() => Promise.resolve(4))).toBe(4);
  });

  it('limits the wait, and a caller whose wait ended does not block others', async () => {
    const queue = new SerialQueue('it is being done', 1, 1);
    const first = held(1);
    const taken = queue.take(first.work);
    await expect(queue.take(() => Promise.resolve(2))).rejects.toThrow(QueueFullError);
    first.end();
    expect(await taken).toBe(1);
    expect(await queue.take(() => Promise.resolve(3))).toBe(3);
  });

  it('frees the place of a caller that is gone, before or during the wait', async () => {
    const queue = new SerialQueue('it is being done', 1, 60_000);
    const gone = new AbortController();
    const [first, left] = [held(1), held(2)];
    const taken = queue.take(first.work);
    const waited = queue.take(left.work, gone.signal);
    gone.abort();
    await expect(waited).rejects.toThrow(QueueFullError);
    await expect(queue.take(left.work, gone.signal)).rejects.toThrow(QueueFullError);
    const next = queue.take(() => Promise.resolve(3));
    first.end();
    expect(await Promise.all([taken, next])).toEqual([1, 3]);
    expect(left.hasStarted()).toBe(false);
  });

  it('continues after work that fails', async () => {
    const queue = new SerialQueue('it is being done', 1, 60_000);
    const broken = queue.take(() => Promise.reject(new Error('broken')));
    const next = queue.take(() => Promise.resolve(2));
    await expect(broken).rejects.toThrow('broken');
    expect(await next).toBe(2);
  });
});
