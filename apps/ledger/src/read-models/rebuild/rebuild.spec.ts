import { act, ROOMY } from '@bailiwick/authority/testing/harness';
import { busyRun } from '@bailiwick/receipts/testing/busy-run';
import type { SealedLog } from '@bailiwick/receipts/testing/sealed-log';
import type { LogLedger } from '../../follower/log-ledger';
import { Bench, LOG } from '../../testing/bench';
import { rebuild } from './rebuild';
import type { Rebuilt } from './status';
import { RebuildStore } from './store';

let bench: Bench;
let ledger: LogLedger;
let log: SealedLog;
beforeAll(async () => {
  bench = await Bench.open();
}, 120_000);
afterAll(() => bench.close());
beforeEach(async () => {
  await bench.reset();
  ledger = bench.start();
  ({ log } = busyRun());
  await bench.feed(ledger, log);
});

const begin = async (): Promise<RebuildStore> => {
  const store = await RebuildStore.begin(bench.url, LOG);
  if (!store) throw new Error('a rebuild is running');
  return store;
};
/** Rebuilds the read models, and releases the lock in any case. */
async function rebuilt(eventlog: Parameters<typeof rebuild>[1] = bench.eventlog): Promise<Rebuilt> {
  const store = await begin();
  try {
    return await rebuild(LOG, eventlog, store);
  } finally {
    await store.end();
  }
}
const generations = async (): Promise<number[]> => {
  const { rows } = await bench.sql.query<{ gen: number }>(
    'SELECT gen FROM ledger.all_item UNION SELECT gen FROM ledger.all_piece UNION SELECT gen FROM ledger.all_consequence ORDER BY 1',
  );
  return rows.map(({ gen }) => gen);
};
/** Appends more events, and lets the ledger follow them. */
async function appendMore(): Promise<void> {
  act(log, log.open(ROOMY).grantId, 'file.read');
  await bench.feed(ledger, log);
}

describe('rebuild', () => {
  it('produces the same bytes and removes the replaced rows', async () => {
    const before = await bench.rows();
    expect(before.item!.length).toBeGreaterThan(5);
    expect(before.consequence!.length).toBeGreaterThan(0);
    expect(await rebuilt()).toMatchObject({ events: log.events.length, differences: 0, samples: [] });
    expect(await bench.rows()).toEqual(before);
    expect(await generations()).toEqual([1]);
    expect(await bench.store.rebuildStatus(LOG)).toMatchObject({ state: 'done', position: log.events.length });
  });

  it('lets the ledger that followed the replaced read models continue with the new ones', async () => {
    await rebuilt();
    await appendMore();
    expect((await ledger.verify()).findings).toEqual([]);
    const after = await bench.rows();
    await rebuilt();
    expect(await bench.rows()).toEqual(after);
    expect(bench.warnings).toEqual([]);
  });

  it('includes events that are appended during the rebuild', async () => {
    let reads = 0;
    const busy = {
      async read(name: string, from: number, limit: number) {
        if (reads++ < 3) await appendMore();
        return bench.eventlog.read(name, from, Math.min(limit, 20));
      },
    };
    expect(await rebuilt(busy)).toMatchObject({ events: log.events.length, differences: 0 });
    expect(reads).toBeGreaterThan(3);
    expect((await ledger.verify()).findings).toEqual([]);
  });

  it.each([
    [
      'a changed row',
      "UPDATE ledger.all_item SET status = 'active' WHERE kind = 'run' AND status = 'completed'",
      'differs',
    ],
    ['a missing row', "DELETE FROM ledger.all_item WHERE kind = 'drift'", 'missing'],
    [
      'an extra row',
      "INSERT INTO ledger.all_item SELECT log, kind, id || 'x', position, updated, tree_id, run_id, grant_id, agent_class, status, view, gen FROM ledger.all_item WHERE kind = 'drift'",
      'extra',
    ],
    ['a changed consequence', 'UPDATE ledger.all_consequence SET in_flight = in_flight + 1', 'differs'],
    ['a changed leaf', "UPDATE ledger.all_piece SET hashes = overlay(hashes PLACING '\\x00' FROM 40)", 'differs'],
  ])('corrects and reports %s', async (_what, spoil, how) => {
    const before = await bench.rows();
    await bench.sql.query(spoil);
    const { differences, samples } = await rebuilt();
    expect(differences).toBeGreaterThan(0);
    expect(samples.map((each) => each.how)).toContain(how);
    expect(await bench.rows()).toEqual(before);
  });

  it('runs once at a time for a log', async () => {
    const first = await begin();
    expect(await RebuildStore.begin(bench.url, LOG)).toBeUndefined();
    expect(await bench.store.rebuildStatus(LOG)).toMatchObject({ state: 'running', position: 0 });
    await first.end();
    await rebuilt();
  });

  it('keeps the current read models after a failure midway, and the next rebuild removes the partial set', async () => {
    const before = await bench.rows();
    const dying = {
      async read(name: string, from: number, limit: number) {
        if (from > 20) throw new Error('the process dies right here');
        return bench.eventlog.read(name, from, Math.min(limit, 10));
      },
    };
    await expect(rebuilt(dying)).rejects.toThrow('dies right here');
    expect(await bench.rows()).toEqual(before);
    expect(await generations()).toEqual([0, 1]);
    expect(await bench.store.rebuildStatus(LOG)).toMatchObject({ state: 'interrupted' });
    await appendMore();
    await rebuilt();
    expect(await generations()).toEqual([2]);
  });

  it('keeps the current read models if the switch-over is not committed', async () => {
    const before = await bench.rows();
    const store = await begin();
    await expect(
      store.switchOver(async () => {
        await Promise.resolve();
        throw new Error('the process dies right here');
      }),
    ).rejects.toThrow('dies right here');
    await store.end();
    expect(await bench.rows()).toEqual(before);
    await appendMore(); // the follower is not blocked
    expect((await rebuilt()).differences).toBe(0);
  });
});
