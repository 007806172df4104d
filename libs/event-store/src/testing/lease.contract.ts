import { batch, type Logs } from './logs';

export function leaseContract(logs: () => Logs): void {
  /** Owners of a test's own that are there, or were: a heartbeat of length 0 is over as soon as it is given. */
  const there = async (...names: string[]): Promise<string[]> => {
    const owners = names.map((name) => `${name}${(count += 1)}`);
    for (const owner of owners) await logs().eventlog.heartbeat(owner, LONG);
    return owners;
  };
  const gone = (owner: string | undefined) => logs().eventlog.heartbeat(owner as string, OVER);
  const acquire = (log: string, owner: string | undefined) => logs().eventlog.acquireLease(log, owner as string);
  const heldBy = async (owner: string | undefined, ttl = LONG) =>
    Object.fromEntries((await logs().eventlog.heartbeat(owner as string, ttl)).held);

  describe('leases', () => {
    it('go to one owner, who may ask again, and to no other while the owner is there', async () => {
      const log = await logs().fresh();
      const [a, b] = await there('a', 'b');
      const first = await acquire(log, a);
      expect(first).toBeDefined();
      expect(await acquire(log, b)).toBeUndefined();
      expect(await acquire(log, a)).toEqual(first);
      expect(await acquire(log, b)).toBeUndefined();
    });

    it('are not given to whoever is not there: who never was, whose heartbeat ran out, who left', async () => {
      const log = await logs().fresh();
      const [late, left] = await there('late', 'left');
      await gone(late);
      await logs().eventlog.leave(left as string);
      for (const owner of ['nobody', late, left]) expect(await acquire(log, owner)).toBeUndefined();
    });

    it('all last from the heartbeat, not from when they were taken', async () => {
      const [log, other] = [await logs().fresh(), await logs().fresh()];
      const [a, b] = await there('a', 'b');
      await acquire(log, a);
      await acquire(other, a);
      await gone(a);
      await logs().eventlog.heartbeat(a as string, LONG);
      expect(await acquire(log, b)).toBeUndefined();
      expect(await acquire(other, b)).toBeUndefined();
    });

    it('may be taken by another once their owner is gone, with a higher epoch; who was away learns it by its next heartbeat', async () => {
      const [log, kept] = [await logs().fresh(), await logs().fresh()];
      const [a, b] = await there('a', 'b');
      const old = await acquire(log, a);
      const other = await acquire(kept, a);
      await gone(a);
      const lease = await acquire(log, b);
      expect(lease?.epoch).toBeGreaterThan(old?.epoch as number);
      expect(await acquire(log, a)).toBeUndefined();
      expect(await heldBy(a)).toEqual({ [kept]: other });
      expect(await acquire(log, a)).toBeUndefined();
      expect(await heldBy(b)).toEqual({ [log]: lease });
    });

    it('may be taken by another once they are given back, which only their owner can do', async () => {
      const log = await logs().fresh();
      const [a, b] = await there('a', 'b');
      const first = await acquire(log, a);
      await logs().eventlog.releaseLease(log, b as string);
      expect(await acquire(log, b)).toBeUndefined();
      await logs().eventlog.releaseLease(log, a as string);
      expect(await heldBy(a)).toEqual({});
      expect((await acquire(log, b))?.epoch).toBeGreaterThan(first?.epoch as number);
    });

    it('are free at once where their owner leaves', async () => {
      const [log, other] = [await logs().fresh(), await logs().fresh()];
      const [a, b] = await there('a', 'b');
      await acquire(log, a);
      await acquire(other, a);
      await logs().eventlog.leave(a as string);
      expect(await acquire(log, b)).toBeDefined();
      expect(await acquire(other, b)).toBeDefined();
    });

    it.each(['a new log', 'a log whose owner is gone'])(
      'of %s go to exactly one of 20 who ask at once',
      async (which) => {
        const log = await logs().fresh();
        const [old, ...owners] = await there('old', ...Array.from({ length: 20 }, () => 'owner'));
        if (which !== 'a new log') await acquire(log, old);
        await gone(old);
        const leases = await Promise.all(owners.map((owner, i) => logs().other(i).acquireLease(log, owner)));
        expect(leases.filter(Boolean)).toHaveLength(1);
      },
    );

    it('are held by one, whatever comes at the same time: another who takes them, or the heartbeat of who was away', async () => {
      const [log, rounds] = [await logs().fresh(), 40];
      for (let round = 0; round < rounds; round++) {
        const [a, b] = await there('a', 'b');
        await acquire(log, a);
        await gone(a);
        const [taken, held] = await Promise.all([
          logs()
            .other()
            .acquireLease(log, b as string),
          heldBy(a),
        ]);
        expect([taken !== undefined, log in held].filter(Boolean)).toHaveLength(1);
        for (const owner of [a, b]) await logs().eventlog.leave(owner as string);
      }
    });

    it('are not given for a log that nobody made', async () => {
      const [a] = await there('a');
      expect(await acquire('nobody/7', a)).toBeUndefined();
    });

    it('fence: whoever lost one writes nothing, also under an old epoch of his own', async () => {
      const log = await logs().fresh();
      const [a, b] = (await there('a', 'b')) as [string, string];
      const old = { owner: a, epoch: (await acquire(log, a))?.epoch as number };
      expect(await logs().eventlog.append(log, 0, batch(log, 0, 1), old)).toEqual({ ok: true, next: 1 });
      await gone(a);
      const lease = { owner: b, epoch: (await acquire(log, b))?.epoch as number };
      const fenced = { ok: false, reason: 'fenced' };
      expect(await logs().eventlog.append(log, 1, batch(log, 1, 1), old)).toMatchObject(fenced);
      expect(await logs().eventlog.append(log, 1, batch(log, 1, 1), lease)).toEqual({ ok: true, next: 2 });
      await logs().eventlog.releaseLease(log, b);
      expect(await logs().eventlog.append(log, 2, batch(log, 2, 1), lease)).toMatchObject(fenced);
      await logs().eventlog.heartbeat(a, LONG);
      const again = await acquire(log, a);
      const epoch = again?.epoch as number;
      for (const wrong of [old, { ...lease, epoch }])
        expect(await logs().eventlog.append(log, 2, batch(log, 2, 1), wrong)).toMatchObject(fenced);
      expect(await logs().eventlog.head(log)).toBe(2);
      expect(await logs().eventlog.append(log, 2, batch(log, 2, 1), { owner: a, epoch })).toEqual({
        ok: true,
        next: 3,
      });
    });

    it('cover whole appends: one that is under way is in the log before the next owner reads, or never', async () => {
      const [log, rounds] = [await logs().fresh(), 20];
      for (let round = 0; round < rounds; round++) {
        const [a, b] = (await there('a', 'b')) as [string, string];
        const fence = { owner: a, epoch: (await acquire(log, a))?.epoch as number };
        const head = await logs().eventlog.head(log);
        await gone(a);
        const append = logs().eventlog.append(log, head, batch(log, head, 1), fence);
        await logs().other().acquireLease(log, b);
        const seen = await logs().eventlog.head(log);
        expect(seen).toBe((await append).ok ? head + 1 : head);
        await logs().eventlog.leave(b);
      }
    });

    it.each([1, 3])(
      'do not excuse a wrong position (%i, where the log stands at 2): that stays a conflict',
      async (position) => {
        const log = await logs().fresh();
        const [a] = (await there('a')) as [string];
        const fence = { owner: a, epoch: (await acquire(log, a))?.epoch as number };
        await logs().eventlog.append(log, 0, batch(log, 0, 2), fence);
        expect(await logs().eventlog.append(log, position, batch(log, position, 1, 'late'), fence)).toMatchObject({
          ok: false,
          reason: 'conflict',
        });
        expect(await logs().eventlog.head(log)).toBe(2);
      },
    );
  });

  describe('a heartbeat', () => {
    it('tells who is there and takes logs, in one order for all', async () => {
      const [a, b, away, leaving] = await there('a', 'b', 'away', 'leaving');
      await gone(away);
      await logs().eventlog.heartbeat(leaving as string, LONG, false);
      const told = (await logs().eventlog.heartbeat(a as string, LONG)).owners;
      expect(told).toEqual(expect.arrayContaining([a, b]));
      expect(told).not.toContain(away);
      expect(told).not.toContain(leaving);
      expect(told).toEqual([...told].sort());
      expect((await logs().eventlog.heartbeat(b as string, LONG)).owners).toEqual(told);
    });

    it('that takes nothing more keeps what it holds', async () => {
      const log = await logs().fresh();
      const [a, b] = await there('a', 'b');
      const lease = await acquire(log, a);
      const roster = await logs().eventlog.heartbeat(a as string, LONG, false);
      expect(Object.fromEntries(roster.held)).toEqual({ [log]: lease });
      expect(await acquire(log, b)).toBeUndefined();
    });

    it('tells how many logs there are, and which are free: never had an owner, given back, or their owner is gone', async () => {
      const [never, back, orphan, held] = [
        await logs().fresh(),
        await logs().fresh(),
        await logs().fresh(),
        await logs().fresh(),
      ];
      const [a, b, away] = (await there('a', 'b', 'away')) as [string, string, string];
      await acquire(held, a);
      await acquire(back, b);
      await logs().eventlog.releaseLease(back, b);
      await acquire(orphan, away);
      await gone(away);
      const { free, logs: count } = await logs().eventlog.heartbeat(b, LONG);
      expect(count).toBe((await logs().eventlog.listLogs()).length);
      expect(free).toEqual(expect.arrayContaining([never, back, orphan]));
      expect(free).not.toContain(held);
    });
  });
}

let count = 0;
const LONG = 600_000;
const OVER = 0;
