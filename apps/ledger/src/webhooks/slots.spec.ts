import { Slots } from './slots';

describe('Slots', () => {
  /** Work that runs until it is ended. */
  class Works {
    readonly running: string[] = [];
    private readonly ends = new Map<string, () => void>();
    constructor(private readonly slots: Slots) {}

    start(tenant: string, name: string, signal?: AbortSignal): Promise<string | undefined> {
      const work = (): Promise<string> => {
        this.running.push(name);
        return new Promise((resolve) => this.ends.set(name, () => resolve(name)));
      };
      return this.slots.run(tenant, work, signal);
    }

    async end(name: string): Promise<void> {
      this.ends.get(name)?.();
      await settled();
    }
  }
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('bound the work of all, and of each tenant', async () => {
    const works = new Works(new Slots(3, 2));
    for (const name of ['a1', 'a2', 'a3']) void works.start('a', name);
    for (const name of ['b1', 'b2']) void works.start('b', name);
    await settled();
    expect(works.running).toEqual(['a1', 'a2', 'b1']);
  });

  it('go to the tenant that has the fewest, also if others have queued before it', async () => {
    const works = new Works(new Slots(2, 2));
    for (const name of ['a1', 'a2', 'a3', 'a4']) void works.start('a', name);
    void works.start('b', 'b1');
    await settled();
    await works.end('a1');
    expect(works.running).toEqual(['a1', 'a2', 'b1']);
    await works.end('b1');
    expect(works.running).toEqual(['a1', 'a2', 'b1', 'a3']);
  });

  it('are free again after work that failed', async () => {
    const slots = new Slots(1, 1);
    await expect(slots.run('a', () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    expect(await slots.run('a', () => Promise.resolve('done'))).toBe('done');
  });

  it('are not waited for by work that is not wanted any more, which is not started', async () => {
    const works = new Works(new Slots(1, 1));
    const stop = new AbortController();
    void works.start('a', 'a1');
    const waiting = works.start('a', 'a2', stop.signal);
    stop.abort();
    expect(await waiting).toBeUndefined();
    expect(await works.start('a', 'a3', stop.signal)).toBeUndefined();
    void works.start('a', 'a4');
    await works.end('a1');
    expect(works.running).toEqual(['a1', 'a4']);
  });
});
