import { batch, type Logs } from './logs';

export function leaseContract(logs: () => Logs): void {
  /** Registers owners. A heartbeat of length 0 has expired as soon as it is given. */
  const alive = async (...names: string[]): Promise<string[]> => {
    const owners = names.map((name) => `${name}${(count += 1)}`);
    for (const owner of owners) await logs().eventlog.heartbeat(owner, LONG);
    return owners;
  };
  const gone = (owner: string | undefined) => logs().eventlog.heartbeat(owner as string, OVER);
  const acquire = (log: string, owner: string | undefined) => logs().eventlog.acquireLease(log, owner as string);
  const heldBy = async (owner: string | undefined, ttl = LONG) =>
    Object.fromEntries((await logs().eventlog.heartbeat(owner as string, ttl)).held);

  describe('leases', () => {
    it('go to one owner, which may acquire it again, and to no other while that owner is alive', async () => {
      const log = await logs().fresh();
      const [a, b] = await alive('a', 'b');
      const first = await acquire(log, a);
      expect(first).toBeDefined();
      expect(await acquire(log, b)).toBeUndefined();
      expect(await acquire(log, a)).toEqual(first);
      expect(await acquire(log, b)).toBeUndefined();
    });

    it('are not given to owners that are not alive: without a heartbeat, with an expired one, or after leaving', async () => {
      const log = await logs().fresh();
      const [late, left] = await alive('late', 'left');
      await gone(late);
      await logs().eventlog.leave(left as string);
      for (const owner of ['unknown', late, left]) expect(await acquire(log, owner)).toBeUndefined();
    });

    it('all last from the heartbeat, not from when they were acquired', async () => {
      const [log, other] = [await logs().fresh(), await logs().fresh()];
      const [a, b] = await alive('a', 'b');
      await acquire(log, a);
      await acquire(other, a);
      await gone(a);
      await logs().eventlog.heartbeat(a as string, LONG);
      expect(await acquire(log, b)).toBeUndefined();
      expect(await acquire(other, b)).toBeUndefined();
    });

    it('pass with a higher epoch to another owner when theirs is gone, which learns it by its next heartbeat', async () => {
      const [log, kept] = [await logs().fresh(), await logs().fresh()];
      const [a, b] = await alive('a', 'b');
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

    it('can be acquired by another owner once released, which only their owner can do', async () => {
      const log = await logs().fresh();
      const [a, b] = await alive('a', 'b');
      const first = await acquire(log, a);
      await logs().eventlog.releaseLease(log, b as string);
      expect(await acquire(log, b)).toBeUndefined();
      await logs().eventlog.releaseLease(log, a as string);
      expect(await heldBy(a)).toEqual({});
      expect((await acquire(log, b))?.epoch).toBeGreaterThan(first?.epoch as number);
    });

    it('are free at once if their owner leaves', async () => {
      const [log, other] = [await logs().fresh(), await logs().fresh()];
      const [a, b] = await alive('a', 'b');
      await acquire(log, a);
      await acquire(other, a);
      await logs().eventlog.leave(a as string);
      expect(await acquire(log, b)).toBeDefined();
      expect(await acquire(other, b)).toBeDefined();
    });

    it.each(['a new log', 'a log whose owner is gone'])(
      'of %s go to exactly one of 20 concurrent owners',
      async (which) => {
        const log = await logs().fresh();
        const [old, ...owners] = await alive('old', ...Array.from({ length: 20 }, () => 'owner'));
        if (which !== 'a new log') await acquire(log, old);
        await gone(old);
        const leases = await Promise.all(owners.map((owner, i) => logs().other(i).acquireLease(log, owner)));
        expect(leases.filter(Boolean)).toHaveLength(1);
      },
    );

    it('have one owner if another acquires them while the old owner sends a heartbeat', async () => {
      const [log, rounds] = [await logs().fresh(), 40];
      for (let round = 0; round < rounds; round++) {
        const [a, b] = await alive('a', 'b');
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

    it('are not given for a log that was not created', async () => {
      const [a] = await alive('a');
      expect(await acquire('missing/7', a)).toBeUndefined();
    });

    it('fence: an owner that lost one writes nothing, even under an earlier epoch of its leases', async () => {
      const log = await logs().fresh();
      const [a, b] = (await alive('a', 'b')) as [string, string];
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

    it('cover whole appends: one in progress is in the log before the next owner reads, or never', async () => {
      const [log, rounds] = [await logs().fresh(), 20];
      for (let round = 0; round < rounds; round++) {
        const [a, b] = (await alive('a', 'b')) as [string, string];
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

    it.each([1, 3])('do not excuse a wrong position (%i in a log at 2): that stays a conflict', async (position) => {
      const log = await logs().fresh();
      const [a] = (await alive('a')) as [string];
      const fence = { owner: a, epoch: (await acquire(log, a))?.epoch as number };
      await logs().eventlog.append(log, 0, batch(log, 0, 2), fence);
      expect(await logs().eventlog.append(log, position, batch(log, position, 1, 'late'), fence)).toMatchObject({
        ok: false,
        reason: 'conflict',
      });
      expect(await logs().eventlog.head(log)).toBe(2);
    });
  });

  describe('a heartbeat', () => {
    it('lists the live owners that take logs, in the same order for all', async () => {
      const [a, b, away, leaving] = await alive('a', 'b', 'away', 'leaving');
      await gone(away);
      await logs().eventlog.heartbeat(leaving as string, LONG, false);
      const owners = (await logs().eventlog.heartbeat(a as string, LONG)).owners;
      expect(owners).toEqual(expect.arrayContaining([a, b]));
      expect(owners).not.toContain(away);
      expect(owners).not.toContain(leaving);
      expect(owners).toEqual([...owners].sort());
      expect((await logs().eventlog.heartbeat(b as string, LONG)).owners).toEqual(owners);
    });

    it('with `takes` false keeps the leases of its owner', async () => {
      const log = await logs().fresh();
      const [a, b] = await alive('a', 'b');
      const lease = await acquire(log, a);
      const roster = await logs().eventlog.heartbeat(a as string, LONG, false);
      expect(Object.fromEntries(roster.held)).toEqual({ [log]: lease });
      expect(await acquire(log, b)).toBeUndefined();
    });

    it('returns the number of logs and the free ones: never owned, released, or with an owner that is gone', async () => {
      const [never, back, orphan, held] = [
        await logs().fresh(),
        await logs().fresh(),
        await logs().fresh(),
        await logs().fresh(),
      ];
      const [a, b, away] = (await alive('a', 'b', 'away')) as [string, string, string];
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
