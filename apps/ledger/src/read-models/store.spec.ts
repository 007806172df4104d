import type { ConsequenceRow } from './entities/consequence';
import type { ItemRow } from './entities/item';
import type { Made } from './read-model-writer';
import { Bench, LOG } from '../testing/bench';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
}, 120_000);
afterAll(() => bench.close());
beforeEach(() => bench.reset());

const NOTHING: Made = { pieces: [], items: [], consequences: [] };
const leaf = (n: number): Made['pieces'][number] => ({ level: 0, index: 0, hashes: Buffer.alloc(32, n) });
const item = (n: number): ItemRow => ({
  log: LOG,
  kind: 'run',
  id: `run_${n}`,
  position: 0,
  updated: 0,
  treeId: undefined,
  runId: undefined,
  grantId: undefined,
  agentClass: undefined,
  status: 'active',
  view: { n, text: '“\u0000é' },
});
const stopped = (n: number): ConsequenceRow => ({
  log: LOG,
  revocationId: 'rev',
  grantId: `grt_${n}`,
  runId: '',
  agentClass: '',
  inFlight: n,
  pendingApprovals: 0,
  reservedCost: { USD: n },
  position: 0,
});
const many = <T>(make: (n: number) => T): T[] => Array.from({ length: 4_500 }, (_, n) => make(n));
const all = { tenant: 'default', limit: 10_000 };

describe('LedgerStore', () => {
  it('writes a batch completely, however many rows a rule changed', async () => {
    await bench.store.write(LOG, 0, 1, { pieces: [leaf(1)], items: many(item), consequences: many(stopped) });
    const rows = await bench.store.items('run', all);
    expect(rows.sort((a, b) => (a.view as { n: number }).n - (b.view as { n: number }).n)).toEqual(many(item));
    const consequences = await bench.store.consequences('default', 'rev');
    expect(consequences.sort((a, b) => a.inFlight - b.inFlight)).toEqual(many(stopped));
    expect(await bench.store.position(LOG)).toBe(1);
  });

  it('writes nothing of a batch if a row of its last part is invalid', async () => {
    const items = [...many(item), { ...item(0), id: null as never }];
    await expect(bench.store.write(LOG, 0, 1, { ...NOTHING, items, consequences: many(stopped) })).rejects.toThrow(
      'null value',
    );
    expect(await bench.rows()).toEqual({ follower: [], piece: [], item: [], consequence: [] });
  });

  it('lets one of two writers at the same position succeed, and writes its leaves once', async () => {
    const both = await Promise.allSettled(
      [1, 2].map((n) => bench.store.write(LOG, 0, 1, { ...NOTHING, pieces: [leaf(n)] })),
    );
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const second = { ...NOTHING, pieces: [leaf(3)] };
    await bench.store.write(LOG, 1, 2, second);
    await expect(bench.store.write(LOG, 1, 2, second)).rejects.toThrow(`another ledger has followed ${LOG} past 1`);
    const read = await bench.store.nodes(
      LOG,
      [0, 1, 2].map((index) => ({ level: 0, index })),
    );
    expect([read(0, 0)?.[0] === 3, read(0, 1)?.[0], read(0, 2)]).toEqual([false, 3, undefined]);
  });

  it('refuses a batch after a missing position', async () => {
    await expect(bench.store.write(LOG, 5, 6, { ...NOTHING, pieces: [leaf(1)] })).rejects.toThrow('another ledger');
    expect(await bench.store.position(LOG)).toBe(0);
  });
});
