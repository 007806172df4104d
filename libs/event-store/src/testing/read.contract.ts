import type { AppendEvent, EventLog } from '../port';
import { batch, type Logs } from './logs';

export function readContract(logs: () => Logs): void {
  describe('reading', () => {
    it('reads up to a limit from a position on, in order; nothing past the end or of an unknown log', async () => {
      const log = await logs().fresh();
      await logs().eventlog.append(log, 0, batch(log, 0, 6));
      const positions = async (from: number, limit: number) =>
        (await logs().eventlog.read(log, from, limit)).map((event) => event.position);
      expect(await positions(0, 2)).toEqual([0, 1]);
      expect(await positions(2, 3)).toEqual([2, 3, 4]);
      expect(await positions(4, 100)).toEqual([4, 5]);
      expect(await positions(6, 100)).toEqual([]);
      expect(await logs().eventlog.read('missing/7', 0, 100)).toEqual([]);
      expect(await logs().eventlog.head('missing/7')).toBe(0);
    });

    it('returns the next position of every log, including empty ones', async () => {
      const [log, empty] = [await logs().fresh(), await logs().fresh()];
      await logs().eventlog.append(log, 0, batch(log, 0, 6));
      expect(await logs().eventlog.heads()).toMatchObject({ [log]: 6, [empty]: 0 });
    });

    it('returns the events at the given positions, in order, and skips positions without an event', async () => {
      const log = await logs().fresh();
      const [one, two, three] = batch(log, 0, 3) as [AppendEvent, AppendEvent, AppendEvent];
      await logs().eventlog.append(log, 0, [{ ...one, payload: '{"a":1}' }, two, { ...three, payload: '{"c":3}' }]);
      const found = await logs().eventlog.at(log, [9, 1, 0, 1]);
      expect(found.map(({ position, body, payload }) => [position, body, payload])).toEqual([
        [0, one.body, '{"a":1}'],
        [1, two.body, null],
      ]);
      expect(await logs().eventlog.at(log, [])).toEqual([]);
    });

    it('lists all logs, or those of one tenant whose name is a prefix of another’s (I9)', async () => {
      for (const log of ['listed/1', 'listed/0', 'listed-too/0', 'list/0']) await logs().eventlog.createLog(log);
      await logs().eventlog.createLog('listed/0');
      expect(await logs().eventlog.listLogs('listed')).toEqual(['listed/0', 'listed/1']);
      expect(await logs().eventlog.listLogs('unlisted')).toEqual([]);
      expect(await logs().eventlog.listLogs()).toEqual(
        expect.arrayContaining(['list/0', 'listed-too/0', 'listed/0', 'listed/1']),
      );
    });

    it('leaves an existing log unchanged when it is created again', async () => {
      const log = await logs().fresh();
      await logs().eventlog.append(log, 0, batch(log, 0, 2));
      await logs().eventlog.createLog(log);
      expect(await logs().eventlog.head(log)).toBe(2);
    });
  });

  describe('searching', () => {
    const made = async () => {
      const log = await logs().fresh();
      const tenant = log.split('/')[0] as string;
      const [zero, one] = [log, `${tenant}/1`];
      await logs().eventlog.createLog(one);
      const place = (log: string, position: number, type: string, ids: Partial<AppendEvent>): AppendEvent => ({
        ...(batch(log, position, 1)[0] as AppendEvent),
        type,
        ...ids,
        body: JSON.stringify({ log, position, type, ...ids, data: { treeId: 'elsewhere' } }),
      });
      await logs().eventlog.append(zero, 0, [
        place(zero, 0, 'A', { treeId: 'T', runId: 'R', commandId: 'C0' }),
        place(zero, 1, 'B', { treeId: 'T', runId: 'R', grantId: 'G', commandId: 'C0' }),
        place(zero, 2, 'C', { treeId: 'T', runId: 'R', grantId: 'G', actionId: 'X', commandId: 'C1' }),
        place(zero, 3, 'B', { treeId: 'U', runId: 'S', grantId: 'H', commandId: 'C2' }),
      ]);
      await logs().eventlog.append(one, 0, [place(one, 0, 'A', { treeId: 'T', runId: 'V' })]);
      return { tenant, zero, one };
    };
    const places = async (filter: Parameters<EventLog['search']>[0]) =>
      (await logs().eventlog.search(filter)).map(({ log, position }) => `${log.split('/')[1]}@${position}`);

    it.each<[string, Partial<Parameters<EventLog['search']>[0]>, string[]]>([
      ['nothing more than the tenant', {}, ['0@0', '0@1', '0@2', '0@3', '1@0']],
      ['a tree', { treeId: 'T' }, ['0@0', '0@1', '0@2', '1@0']],
      ['a run', { runId: 'R' }, ['0@0', '0@1', '0@2']],
      ['a grant', { grantId: 'G' }, ['0@1', '0@2']],
      ['an action', { actionId: 'X' }, ['0@2']],
      ['a command', { commandId: 'C0' }, ['0@0', '0@1']],
      ['a type', { type: 'B' }, ['0@1', '0@3']],
      ['several types', { type: ['A', 'C'] }, ['0@0', '0@2', '1@0']],
      ['no type at all', { type: [] }, []],
      ['an exclusive lower position', { after: 1 }, ['0@2', '0@3']],
      ['an exclusive upper position', { before: 1 }, ['0@0', '1@0']],
      ['the newest first', { newestFirst: true }, ['1@0', '0@3', '0@2', '0@1', '0@0']],
      ['the newest few', { newestFirst: true, limit: 2 }, ['1@0', '0@3']],
      ['the oldest few', { limit: 2 }, ['0@0', '0@1']],
      ['several criteria at once', { treeId: 'T', type: 'A', runId: 'R', after: -1 }, ['0@0']],
      ['contradicting criteria', { treeId: 'U', runId: 'R' }, []],
    ])('finds by %s', async (_what, filter, expected) => {
      const { tenant } = await made();
      expect(await places({ tenant, limit: 100, ...filter })).toEqual(expected);
    });

    it('finds events by their bodies even if columns differ, and returns the columns for comparison', async () => {
      const log = await logs().fresh();
      const [first] = batch(log, 0, 1) as [AppendEvent];
      const ids = { treeId: 'T', runId: 'R', grantId: 'G', actionId: 'X' };
      const type = 'ActionDenied';
      const hidden = { ...first, type: 'B', treeId: 'U', runId: 'S', grantId: 'H', actionId: 'Y' };
      // an escape that a database cannot convert to text does not affect the search
      const bodies = [
        { type, ...ids },
        { type, ...ids, data: 'a\u0000b\ud800\\u0000' },
      ].map((body) => JSON.stringify(body));
      const events = bodies.map((body, position) => ({ ...hidden, position, body }));
      await logs().eventlog.append(log, 0, events);
      const tenant = log.split('/')[0] as string;
      for (const filter of [
        { treeId: 'T' },
        { actionId: 'X' },
        { treeId: 'T', runId: 'R', grantId: 'G' },
        { treeId: 'T', type },
      ])
        expect(await places({ tenant, limit: 100, ...filter })).toEqual(['0@0', '0@1']);
      for (const filter of [{ treeId: 'U' }, { actionId: 'Y' }, { treeId: 'T', runId: 'S' }])
        expect(await places({ tenant, limit: 100, ...filter })).toEqual([]);
      const columns = { tenant, treeId: 'U', runId: 'S', grantId: 'H', actionId: 'Y', commandId: first.commandId };
      expect(await logs().eventlog.rows(log, 1, 9)).toEqual([
        { log, position: 1, type: 'B', time: first.time, body: bodies[1], payload: null, columns },
      ]);
    });

    it('finds events within one log', async () => {
      const { tenant, one } = await made();
      expect(await places({ tenant, log: one, limit: 100 })).toEqual(['1@0']);
    });

    it('never finds another tenant’s events, even if every id is the same (I9)', async () => {
      const [mine, other] = [await made(), await made()];
      const found = await logs().eventlog.search({ tenant: mine.tenant, treeId: 'T', limit: 100 });
      expect(found).toHaveLength(4);
      expect(found.every((event) => event.log.startsWith(`${mine.tenant}/`))).toBe(true);
      expect(await logs().eventlog.search({ tenant: mine.tenant, log: other.zero, limit: 100 })).toEqual([]);
    });
  });

  describe('snapshots', () => {
    const latest = async (log: string, foldVersion: number, atOrBefore?: number) => {
      const found = await logs().eventlog.latestSnapshot(log, foldVersion, atOrBefore);
      if (!found) return undefined;
      const parts: string[] = [];
      for await (const part of found.parts) parts.push(part);
      return { position: found.position, parts };
    };

    it('come back in the parts in which they were saved, in order', async () => {
      const log = await logs().fresh();
      const parts = Array.from({ length: 12 }, (_, i) => `part ${i} é\n`);
      await logs().eventlog.saveSnapshot(log, 10, 1, parts);
      expect(await latest(log, 1)).toEqual({ position: 10, parts });
    });

    it('do not exist if saving failed half-way', async () => {
      const log = await logs().fresh();
      const parts = function* () {
        yield 'first';
        throw new Error('no more');
      };
      const saved = new Promise((resolve) => resolve(logs().eventlog.saveSnapshot(log, 10, 1, parts())));
      await expect(saved).rejects.toThrow('no more');
      expect(await latest(log, 1)).toBeUndefined();
      await logs().eventlog.saveSnapshot(log, 10, 1, ['again']);
      expect(await latest(log, 1)).toEqual({ position: 10, parts: ['again'] });
    });

    it('are returned by fold version: the newest, or the newest at or before a position', async () => {
      const [log, other] = [await logs().fresh(), await logs().fresh()];
      await logs().eventlog.saveSnapshot(log, 20, 1, ['twenty é']);
      await logs().eventlog.saveSnapshot(log, 10, 1, ['ten']);
      await logs().eventlog.saveSnapshot(log, 30, 2, ['of the next fold']);
      await logs().eventlog.saveSnapshot(other, 40, 1, ['of another log']);
      expect(await latest(log, 1)).toEqual({ position: 20, parts: ['twenty é'] });
      expect(await latest(log, 1, 20)).toEqual({ position: 20, parts: ['twenty é'] });
      expect(await latest(log, 1, 19)).toEqual({ position: 10, parts: ['ten'] });
      expect(await latest(log, 1, 9)).toBeUndefined();
      expect(await latest(log, 2)).toEqual({ position: 30, parts: ['of the next fold'] });
      expect(await latest(log, 3)).toBeUndefined();
    });

    it('are limited to the newest five of each fold version', async () => {
      const log = await logs().fresh();
      await logs().eventlog.saveSnapshot(log, 5, 2, ['of the next fold']);
      for (const at of [10, 20, 30, 40, 50, 60]) await logs().eventlog.saveSnapshot(log, at, 1, [`at ${at}`]);
      expect(await latest(log, 1, 29)).toEqual({ position: 20, parts: ['at 20'] });
      expect(await latest(log, 1, 19)).toBeUndefined();
      expect(await latest(log, 2)).toBeDefined();
    });

    it('stay as they were first saved', async () => {
      const log = await logs().fresh();
      await logs().eventlog.saveSnapshot(log, 10, 1, ['first']);
      await logs().eventlog.saveSnapshot(log, 10, 1, ['second']);
      expect(await latest(log, 1)).toEqual({ position: 10, parts: ['first'] });
    });
  });
}
