import fc from 'fast-check';
import { FOLD_VERSION, fromSnapshot, stateDigest, toParts, toSnapshot } from '@bailiwick/authority/state/snapshot';
import { act } from '@bailiwick/authority/testing/harness';
import { busyRun } from '@bailiwick/receipts/testing/busy-run';
import { moves, play } from '@bailiwick/receipts/testing/random-log';
import { SealedLog } from '@bailiwick/receipts/testing/sealed-log';
import { takeSnapshot } from '@bailiwick/platform/log-state';
import { openCheckpoint } from '@bailiwick/transparency-log/checkpoint';
import { entryHash, leafHash } from '@bailiwick/transparency-log/hash';
import { parseVerifierKey, verifierKey } from '@bailiwick/transparency-log/note';
import { verifyProof } from '@bailiwick/transparency-log/proof';
import { seededKey, valueOf } from '@bailiwick/transparency-log/testing/keys';
import { naiveRoot } from '@bailiwick/transparency-log/testing/naive-tree';
import type { LogLedger } from './log-ledger';
import { Bench, KEY, LOG, ORIGIN, until } from '../testing/bench';

fc.configureGlobal({ seed: 20260140 });

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
}, 120_000);
afterAll(() => bench.close());
beforeEach(() => bench.reset());

const key = valueOf(parseVerifierKey(verifierKey(`${ORIGIN}/${LOG}`, KEY)));
const entries = (log: SealedLog): Buffer[] => log.stored().map(({ body }) => entryHash(body));

async function fed(log: SealedLog, to?: number): Promise<LogLedger> {
  const ledger = bench.start();
  await bench.feed(ledger, log, to);
  return ledger;
}

describe('the tree of a log', () => {
  it('has at every size the root of all events so far, in a checkpoint that the log signed', async () => {
    const { log } = busyRun();
    const ledger = bench.start();
    for (const size of [1, 2, 3, 7, 8, 9, 20, log.events.length]) {
      await bench.feed(ledger, log, size);
      await ledger.sign();
      const head = await bench.store.heads.newest(LOG);
      const { checkpoint } = valueOf(openCheckpoint(head?.note ?? '', key));
      expect(checkpoint).toMatchObject({ origin: 'bailiwick.test/default/0', size: BigInt(size) });
      expect(checkpoint.root).toEqual(naiveRoot(entries(log).slice(0, size)));
      expect(head?.root).toEqual(checkpoint.root);
    }
    expect(ledger.vkey).toBe(verifierKey('bailiwick.test/default/0', KEY));
    expect(
      openCheckpoint(
        (await bench.store.heads.newest(LOG))?.note ?? '',
        valueOf(parseVerifierKey(verifierKey(key.name, seededKey(12)))),
      ).ok,
    ).toBe(false);
  });

  it('proves every position, of that event and no other', async () => {
    const { log } = busyRun();
    const ledger = bench.start();
    await bench.feed(ledger, log, 11);
    await ledger.sign();
    await bench.feed(ledger, log);
    const bodies = log.stored().map(({ body }) => body);
    const all = await ledger.proofs(bodies.map((_, i) => i));
    for (const [position, body] of bodies.entries()) {
      const alone = (await ledger.proofs([position])).get(position) ?? '';
      for (const proof of [alone, all.get(position) ?? '']) {
        expect(valueOf(verifyProof(proof, leafHash(entryHash(body)), key)).index).toBe(BigInt(position));
        expect(verifyProof(proof, leafHash(entryHash(`${body} `)), key).ok).toBe(false);
      }
    }
    // against the smallest head that covers it, so that proofs of old events stay as they are
    expect(
      valueOf(verifyProof((await ledger.proofs([3])).get(3) ?? '', leafHash(entryHash(bodies[3] as string)), key))
        .checkpoint.size,
    ).toBe(11n);
    await expect(ledger.proofs([bodies.length])).rejects.toThrow(
      `position ${bodies.length} of ${LOG} is not in the tree yet`,
    );
  });

  it('is signed only once it has grown', async () => {
    const { log } = busyRun();
    const ledger = bench.start();
    await ledger.sign();
    expect(await bench.store.heads.newest(LOG)).toBeUndefined();
    await bench.feed(ledger, log, 5);
    await ledger.sign();
    await ledger.sign();
    expect((await bench.store.kept.heads(LOG)).map(({ size }) => size)).toEqual([5]);
  });
});

describe('a ledger over the tables of one that has stopped', () => {
  it('ends with every byte as if it had never stopped, wherever that was', async () => {
    await fc.assert(
      fc.asyncProperty(moves(25), fc.array(fc.nat(400), { minLength: 1, maxLength: 4 }), async (all, stops) => {
        const log = new SealedLog();
        for (const move of all) play(log, move);
        await bench.reset();
        await bench.feed(bench.start(), log);
        const expected = await bench.rows();

        await bench.reset();
        const cuts = [...new Set(stops.map((at) => at % log.events.length))].sort((a, b) => a - b);
        for (const cut of [...cuts, log.events.length]) {
          const ledger = bench.start();
          await bench.feed(ledger, log, cut);
          await bench.stop(ledger);
          if (cut % 2 === 0) await takeSnapshot(LOG, bench.eventlog, (message) => bench.warnings.push(message));
        }
        expect(await bench.rows()).toEqual(expected);
      }),
      { numRuns: 12 },
    );
  }, 120_000);

  it('knows the state, signs the same root and proves what the first wrote', async () => {
    const { log } = busyRun();
    const first = bench.start();
    await bench.feed(first, log, 17);
    await bench.stop(first);
    const ledger = bench.start();
    await bench.feed(ledger, log, 20);
    expect(ledger.position).toBe(20);
    await bench.feed(ledger, log);
    expect(stateDigest(ledger.state)).toBe(stateDigest(log.state));
    await ledger.sign();
    expect((await bench.store.heads.newest(LOG))?.root).toEqual(naiveRoot(entries(log)));
    const proof = (await ledger.proofs([2])).get(2) ?? '';
    expect(verifyProof(proof, leafHash(entries(log)[2] as Buffer), key).ok).toBe(true);
  });

  it('begins with the newest snapshot that is not beyond it, or with nothing where that cannot be read', async () => {
    const { log } = busyRun();
    const half = log.events.length >> 1;
    await bench.stop(await fed(log, half));
    const warn = (message: string): void => void bench.warnings.push(message);
    const { position: snapshot } = await takeSnapshot(LOG, bench.eventlog, warn);
    await bench.append(log);
    await takeSnapshot(LOG, bench.eventlog, warn); // of what the ledger has not come to
    const read = jest.spyOn(bench.eventlog, 'read');
    const readFrom = (): number => Math.min(...read.mock.calls.map(([, from]) => from));
    const ledger = await fed(log);
    expect([snapshot, readFrom()]).toEqual([half, half]);
    expect(stateDigest(ledger.state)).toBe(stateDigest(log.state));
    await bench.stop(ledger);
    await bench.eventlog.saveSnapshot(LOG, log.events.length - 1, FOLD_VERSION, ['["run",[]]']);
    await bench.sql.query('UPDATE ledger.follower SET position = $1', [log.events.length - 1]);
    const again = bench.start();
    await until(() => again.state.next === log.events.length);
    expect(readFrom()).toBe(0);
    expect(stateDigest(again.state)).toBe(stateDigest(log.state));
    expect(bench.warnings.join()).toContain('a snapshot cannot be read; the log is folded from its beginning');
    read.mockRestore();
  });

  it('may follow beside another: what both write is written once', async () => {
    const { log } = busyRun();
    await bench.feed(bench.start(), log);
    const expected = await bench.rows();
    await bench.reset();
    const [one, two] = [bench.start(), bench.start()];
    for (let to = 5; to < log.events.length; to += 7) {
      await bench.feed(one, log, to);
      expect(await two.reached(to - 1, 20_000)).toBe(true);
    }
    await bench.feed(two, log);
    await one.reached(log.events.length - 1, 20_000);
    expect(await bench.rows()).toEqual(expected);
  }, 60_000);
});

describe('a batch that fails half-way', () => {
  afterEach(() => bench.sql.query('DROP FUNCTION IF EXISTS ledger.refuse() CASCADE'));

  it.each(['follower', 'all_piece', 'all_item', 'all_consequence'])(
    'in writing a %s leaves nothing behind, and is made good once it can be',
    async (table) => {
      const { log } = busyRun();
      await bench.feed(bench.start(), log);
      const expected = await bench.rows();
      await bench.reset();
      const ledger = bench.start();
      await bench.feed(ledger, log, 10);
      const before = await bench.rows();
      await bench.sql.query(
        `CREATE FUNCTION ledger.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$`,
      );
      await bench.sql.query(
        `CREATE TRIGGER refuse AFTER INSERT OR UPDATE ON ledger.${table} FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse()`,
      );
      await bench.append(log);
      await until(() => bench.warnings.length >= 2);
      expect(bench.warnings.at(-1)).toContain('the disk is full');
      expect(await bench.rows()).toEqual(before);
      expect(ledger.position).toBe(10);
      await expect(ledger.proofs([12])).rejects.toThrow('not in the tree yet');
      await bench.sql.query('DROP FUNCTION ledger.refuse() CASCADE');
      expect(await ledger.reached(log.events.length - 1, 20_000)).toBe(true);
      expect(await bench.rows()).toEqual(expected);
      expect(stateDigest(ledger.state)).toBe(stateDigest(log.state));
    },
  );
});

describe('verifying a log anew', () => {
  const made = (): SealedLog => busyRun().log;

  it('finds nothing where nothing was changed, and tells position, root and state', async () => {
    const log = made();
    const ledger = bench.start();
    await bench.feed(ledger, log, 9);
    await ledger.sign();
    await bench.feed(ledger, log);
    const told = await ledger.verify();
    expect(told).toEqual({
      position: log.events.length,
      root: naiveRoot(entries(log)).toString('base64'),
      state: stateDigest(log.state),
      findings: [],
      first: null,
      checkpoints: 1,
    });
    expect(await ledger.verify(9)).toMatchObject({
      position: 9,
      root: naiveRoot(entries(log).slice(0, 9)).toString('base64'),
      findings: [],
    });
  });

  it.each([
    ['below a checkpoint', true],
    ['that no checkpoint covers yet', false],
  ])('finds a changed body %s, however it was changed', async (_where, covered) => {
    const log = made();
    const ledger = bench.start();
    await bench.feed(ledger, log);
    if (covered) await ledger.sign();
    else await bench.sql.query('TRUNCATE ledger.checkpoint');
    const bodies = log.stored().map(({ body }) => body);
    // (every byte of every event: libs/audit)
    for (const [position, body] of [...bodies.entries()].filter(([i]) => i % 6 === 1)) {
      for (const other of [
        ` ${body}`,
        body.replace('"key:test"', '"key:tesu"'),
        body.replace('2026-01-01', '2026-01-02'),
        '{}',
      ]) {
        if (other === body) continue;
        bench.eventlog.forged.clear();
        bench.eventlog.forged.set(position, other);
        expect((await ledger.verify()).findings).not.toEqual([]);
      }
    }
  });

  it('finds a payload that is not the one its event names, and none that was erased', async () => {
    const log = made();
    const ledger = bench.start();
    await bench.feed(ledger, log);
    const salted = log.stored().find(({ payload }) => payload !== null);
    if (!salted?.payload) throw new Error('an event with a payload was expected');
    for (const other of [
      salted.payload.replace('Tidy', 'Sell'),
      salted.payload.replace('"salt":"', '"salt":"A'),
      '{}',
      'not JSON',
    ]) {
      bench.eventlog.forgedPayloads.set(salted.position, other);
      const { findings } = await ledger.verify();
      expect(findings).toEqual([expect.stringContaining(`position ${salted.position}: its payload`)]);
    }
  });

  it('finds that the log has lost its end', async () => {
    const log = made();
    const ledger = bench.start();
    await bench.feed(ledger, log);
    const size = log.events.length;
    bench.eventlog.cut = size - 1;
    expect((await ledger.verify()).first).toEqual({
      check: 'position',
      position: size - 1,
      detail: `the log ends at position ${size - 1}, and the tree has ${size} leaves`,
    });
  });

  it('finds a tree or a checkpoint that was changed', async () => {
    const log = made();
    const ledger = bench.start();
    await bench.feed(ledger, log);
    await ledger.sign();
    const size = log.events.length;
    await bench.sql.query(`UPDATE ledger.checkpoint SET root = '\\x00'`);
    expect((await ledger.verify()).findings).toEqual([
      `the checkpoint of size ${size} has another root than the events (checkpoint)`,
    ]);
    await bench.sql.query(`UPDATE ledger.checkpoint SET note = replace(note, '\n${size}\n', '\n1\n')`);
    expect((await ledger.verify()).first).toMatchObject({ check: 'checkpoint', position: undefined });
    await bench.sql.query('TRUNCATE ledger.checkpoint');
    for (const [change, position] of [
      ["UPDATE ledger.all_piece SET hashes = overlay(hashes PLACING decode('00', 'hex') FROM 32 * 9 + 1)", 9],
      ["UPDATE ledger.all_piece SET hashes = decode(repeat('00', octet_length(hashes)), 'hex')", 0],
      ['DELETE FROM ledger.all_piece', 0],
    ] as const) {
      await bench.sql.query(change);
      expect((await ledger.verify()).first).toMatchObject({ check: 'tree', position });
    }
  });

  it('finds a node above the leaves that was changed', async () => {
    const log = new SealedLog();
    while (log.events.length < 300) log.open();
    const ledger = bench.start();
    await bench.feed(ledger, log);
    await bench.sql.query("UPDATE ledger.all_piece SET hashes = decode(repeat('00', 32), 'hex') WHERE level = 8");
    expect((await ledger.verify()).findings).toEqual([
      'position 0: the stored tree has another node 0 at level 8 (tree)',
    ]);
  });

  it.each([
    [
      "UPDATE ledger.all_item SET status = 'active' WHERE kind = 'grant' AND status = 'revoked'",
      'tell otherwise of grant',
    ],
    ["UPDATE ledger.all_item SET view = '{}' WHERE kind = 'run'", 'tell otherwise of run'],
    ["DELETE FROM ledger.all_item WHERE kind = 'approval'", 'lack approval'],
    ["UPDATE ledger.all_item SET id = 'x' WHERE kind = 'drift'", 'tell of drift x, and no event does'],
    ['UPDATE ledger.all_consequence SET in_flight = in_flight + 1', 'tell otherwise of consequence'],
  ])('finds read models that the events do not lead to: %s', async (change, says) => {
    const ledger = bench.start();
    await bench.feed(ledger, made());
    await bench.sql.query(change);
    const { findings, first } = await ledger.verify();
    expect(findings.join('\n')).toContain(says);
    expect(first?.check).toBe('models');
  });

  it('finds that the ledger began with a snapshot of what no event says, and answers from it', async () => {
    const log = made();
    const ledger = bench.start();
    await bench.feed(ledger, log);
    await bench.stop(ledger);
    const forged = fromSnapshot(toSnapshot(log.state));
    for (const run of forged.runs.values()) run.approvedBy = 'person:nobody';
    await bench.eventlog.saveSnapshot(LOG, forged.next, FOLD_VERSION, toParts(forged));
    const again = bench.start();
    await until(() => again.state.next === forged.next);
    const wrong = [expect.stringContaining('the ledger answers from a state that the events do not lead to')];
    expect((await again.verify()).findings).toEqual(wrong);
    expect((await again.verify(9)).findings).toEqual(wrong);
  });
});

it('a log that has only begun is signed, proved and verified like any other', async () => {
  const log = new SealedLog();
  const { grantId } = log.open();
  const ledger = bench.start();
  expect(await ledger.verify()).toMatchObject({ position: 0, findings: [] });
  await bench.feed(ledger, log, 1);
  expect((await ledger.proofs([0])).size).toBe(1);
  act(log, grantId, 'file.read');
  await bench.feed(ledger, log);
  expect(await ledger.verify()).toMatchObject({ position: 3, findings: [] });
});
