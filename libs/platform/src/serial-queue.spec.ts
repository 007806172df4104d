import { QueueFullError, SerialQueue } from './serial-queue';

/** Work that ends when it is told to. */
function held<T>(value: T): { work: () => Promise<T>; end: () => void; begun: () => boolean } {
  let end = (): void => undefined;
  let begun = false;
  const until = new Promise<void>((resolve) => (end = resolve));
  const work = async (): Promise<T> => {
    begun = true;
    await until;
    return value;
  };
  return { work, end, begun: () => begun };
}

describe('turns', () => {
  it('come one after the other, in the order of asking', async () => {
    const turns = new SerialQueue('it is being done', 2, 60_000);
    const all = ['a', 'b', 'c'].map(held);
    const done: string[] = [];
    const taken = all.map(async ({ work }) => void done.push(await turns.take(work)));
    for (let i = 0; i < 3; i += 1) {
      expect(all.map(({ begun }) => begun())).toEqual([0, 1, 2].map((each) => each <= i));
      all[i]?.end();
      await taken[i];
    }
    expect(done).toEqual(['a', 'b', 'c']);
  });

  it('are refused at once where too many wait, and free again afterwards', async () => {
    const turns = new SerialQueue('it is being done', 1, 60_000);
    const first = held(1);
    const taken = [turns.take(first.work), turns.take(() => Promise.resolve(2))];
    await expect(turns.take(() => Promise.resolve(3))).rejects.toThrow(
      new QueueFullError('it is being done, and others wait for it; try again shortly'),
    );
    first.end();
    expect(await Promise.all(taken)).toEqual([1, 2]);
    expect(await turns.take(() => Promise.resolve(4))).toBe(4);
  });

  it('are waited for only so long; nobody is kept from them by one who gave up', async () => {
    const turns = new SerialQueue('it is being done', 1, 1);
    const first = held(1);
    const taken = turns.take(first.work);
    await expect(turns.take(() => Promise.resolve(2))).rejects.toThrow(QueueFullError);
    first.end();
    expect(await taken).toBe(1);
    expect(await turns.take(() => Promise.resolve(3))).toBe(3);
  });

  it('are not waited for by one who has gone, before or meanwhile: the place is free at once', async () => {
    const turns = new SerialQueue('it is being done', 1, 60_000);
    const gone = new AbortController();
    const [first, left] = [held(1), held(2)];
    const taken = turns.take(first.work);
    const waited = turns.take(left.work, gone.signal);
    gone.abort();
    await expect(waited).rejects.toThrow(QueueFullError);
    await expect(turns.take(left.work, gone.signal)).rejects.toThrow(QueueFullError);
    const next = turns.take(() => Promise.resolve(3));
    first.end();
    expect(await Promise.all([taken, next])).toEqual([1, 3]);
    expect(left.begun()).toBe(false);
  });

  it('are handed on by work that fails, too', async () => {
    const turns = new SerialQueue('it is being done', 1, 60_000);
    const broken = turns.take(() => Promise.reject(new Error('broken')));
    const next = turns.take(() => Promise.resolve(2));
    await expect(broken).rejects.toThrow('broken');
    expect(await next).toBe(2);
  });
});
