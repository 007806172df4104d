import { batch, type Logs } from './logs';

export function leaseContract(logs: () => Logs): void {
  describe('leases', () => {
    it('go to one owner, who may renew, and to no other while they last', async () => {
      const log = await logs().fresh();
      const first = await logs().eventlog.acquireLease(log, 'a', LONG);
      expect(first).toBeDefined();
      expect(await logs().eventlog.acquireLease(log, 'b', LONG)).toBeUndefined();
      expect(await logs().eventlog.acquireLease(log, 'a', LONG)).toEqual(first);
      expect(await logs().eventlog.acquireLease(log, 'b', LONG)).toBeUndefined();
    });

    it('last from their renewal, not from when they were taken', async () => {
      const log = await logs().fresh();
      await logs().eventlog.acquireLease(log, 'a', EXPIRED);
      await logs().eventlog.acquireLease(log, 'a', LONG);
      expect(await logs().eventlog.acquireLease(log, 'b', LONG)).toBeUndefined();
    });

    it('may be taken by another once they have expired, with a higher epoch; the old owner is then refused', async () => {
      const log = await logs().fresh();
      const a = await logs().eventlog.acquireLease(log, 'a', EXPIRED);
      const b = await logs().eventlog.acquireLease(log, 'b', LONG);
      expect(b?.epoch).toBeGreaterThan(a?.epoch as number);
      expect(await logs().eventlog.acquireLease(log, 'a', LONG)).toBeUndefined();
    });

    it('may be taken by another once they are given back, which only their owner can do', async () => {
      const log = await logs().fresh();
      await logs().eventlog.acquireLease(log, 'a', LONG);
      await logs().eventlog.releaseLease(log, 'b');
      expect(await logs().eventlog.acquireLease(log, 'b', LONG)).toBeUndefined();
      await logs().eventlog.releaseLease(log, 'a');
      expect(await logs().eventlog.acquireLease(log, 'b', LONG)).toBeDefined();
    });

    it('go to exactly one of 20 owners who ask at once', async () => {
      const log = await logs().fresh();
      const leases = await Promise.all(
        Array.from({ length: 20 }, (_, i) => logs().eventlog.acquireLease(log, `owner${i}`, LONG)),
      );
      expect(leases.filter(Boolean)).toHaveLength(1);
    });

    it('are not given for a log that nobody made', async () => {
      expect(await logs().eventlog.acquireLease('nobody/7', 'a', LONG)).toBeUndefined();
    });

    it('fence: whoever lost one writes nothing, also under an old epoch of his own', async () => {
      const log = await logs().fresh();
      const old = { owner: 'a', epoch: (await logs().eventlog.acquireLease(log, 'a', EXPIRED))?.epoch as number };
      expect(await logs().eventlog.append(log, 0, batch(log, 0, 1), old)).toEqual({ ok: true, next: 1 });
      const b = { owner: 'b', epoch: (await logs().eventlog.acquireLease(log, 'b', EXPIRED))?.epoch as number };
      expect(await logs().eventlog.append(log, 1, batch(log, 1, 1), old)).toMatchObject({
        ok: false,
        reason: 'fenced',
      });
      expect(await logs().eventlog.append(log, 1, batch(log, 1, 1), b)).toEqual({ ok: true, next: 2 });
      const again = await logs().eventlog.acquireLease(log, 'a', LONG);
      expect(await logs().eventlog.append(log, 2, batch(log, 2, 1), old)).toMatchObject({
        ok: false,
        reason: 'fenced',
      });
      expect(
        await logs().eventlog.append(log, 2, batch(log, 2, 1), { ...b, epoch: again?.epoch as number }),
      ).toMatchObject({ ok: false, reason: 'fenced' });
      expect(await logs().eventlog.head(log)).toBe(2);
      expect(
        await logs().eventlog.append(log, 2, batch(log, 2, 1), { owner: 'a', epoch: again?.epoch as number }),
      ).toEqual({ ok: true, next: 3 });
    });

    it.each([1, 3])(
      'do not excuse a wrong position (%i, where the log stands at 2): that stays a conflict',
      async (position) => {
        const log = await logs().fresh();
        const fence = { owner: 'a', epoch: (await logs().eventlog.acquireLease(log, 'a', LONG))?.epoch as number };
        await logs().eventlog.append(log, 0, batch(log, 0, 2), fence);
        expect(await logs().eventlog.append(log, position, batch(log, position, 1, 'late'), fence)).toMatchObject({
          ok: false,
          reason: 'conflict',
        });
        expect(await logs().eventlog.head(log)).toBe(2);
      },
    );
  });
}

const LONG = 600_000;
/** over as soon as it is given */
const EXPIRED = 0;
