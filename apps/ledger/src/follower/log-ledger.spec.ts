import fc from 'fast-check';
import { DIGEST_LINES, stateDigest } from '@bailiwick/authority/state/digest';
import { FOLD_VERSION, fromSnapshot, toParts, toSnapshot } from '@bailiwick/authority/state/snapshot';
import { act } from '@bailiwick/authority/testing/harness';
import { busyRun } from '@bailiwick/receipts/testing/busy-run';
import { moves, play } from '@bailiwick/receipts/testing/random-log';
import { SealedLog } from '@bailiwick/receipts/testing/sealed-log';
import { takeSnapshot } from '@bailiwick/platform/logs/log-state';
import { openCheckpoint } from '@bailiwick/transparency-log/checkpoint';
import { entryHash, leafHash } from '@bailiwick/transparency-log/hash';
import { parseVerifierKey, verifierKey } from '@bailiwick/transparency-log/note';
import { verifyProof } from '@bailiwick/transparency-log/proof';
import { seededKey, valueOf } from '@bailiwick/transparency-log/testing/keys';
import { naiveRoot } from '@bailiwick/transparency-log/testing/naive-tree';
import { BUS_LIMITS } from '@bailiwick/messaging/bus-limits';
import type { LogLedger } from './log-ledger';
import { Bench, KEY, LOG, ORIGIN, until } from '../testing/bench';
import { verifyLog } from '../verification/verify-log';

fc.configureGlobal({ seed: 20260140 });

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
}, 120_000);
afterAll(() => bench.close());
beforeEach(() => bench.reset());

const key = valueOf(parseVerifierKey(verifierKey(`${ORIGIN}/${LOG}`, KEY)));
const entries = (log: SealedLog): Buffer[] => log.stored().map(({ body }) => entryHash(body));

async function followed(log: SealedLog, to?: number): Promise<LogLedger> {
  const ledger = bench.start();
  await bench.feed(ledger, log, to);
  return ledger;
}

describe('the tree of a log', () => {
  it('has at every size a signed checkpoint with the root of all events so far', async () => {
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

  it('proves for every position its event and no other', async () => {
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
    // against the smallest head that covers it, so that proofs of old events do not change
    expect(
      valueOf(verifyProof((await ledger.proofs([3])).get(3) ?? '', leafHash(entryHash(bodies[3] as string)), key))
        .checkpoint.size,
    ).toBe(11n);
    await expect(ledger.proofs([bodies.length])).rejects.toThrow(
      `position ${bodies.length} of ${LOG} is not in the tree yet`,
    );
  });

  it('is signed only after it has grown', async () => {
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

describe('a ledger that continues the tables of a stopped one', () => {
  it('writes the same bytes as one that never stopped, wherever the stops were', async () => {
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

  it('restores the state, signs the same root and proves the events that the first ledger wrote', async () => {
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

  it('starts from the newest snapshot up to its position, or from position 0 if that snapshot is unreadable', async () => {
    const { log } = busyRun();
    const half = log.events.length >> 1;
    await bench.stop(await followed(log, half));
    const warn = (message: string): void => void bench.warnings.push(message);
    const { position: snapshot } = await takeSnapshot(LOG, bench.eventlog, warn);
    await bench.append(log);
    await takeSnapshot(LOG, bench.eventlog, warn); // beyond the position of the ledger
    const read = jest.spyOn(bench.eventlog, 'read');
    const readFrom = (): number => Math.min(...read.mock.calls.map(([, from]) => from));
    const ledger = await followed(log);
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

  it('can follow a log concurrently with another ledger: each row is written once', async () => {
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

const TABLES = ['follower', 'all_piece', 'all_item', 'all_consequence'];

describe('a batch that fails midway', () => {
  const refuseWrites = (table: string): Promise<unknown> =>
    bench.sql.query(`ALTER TABLE ledger.${table} ADD CONSTRAINT disk_full CHECK (false) NOT VALID`);
  const allowWrites = (table: string): Promise<unknown> =>
    bench.sql.query(`ALTER TABLE ledger.${table} DROP CONSTRAINT IF EXISTS disk_full`);
  afterEach(async () => {
    for (const table of TABLES) await allowWrites(table);
  });

  it.each(TABLES)('in writing %s writes nothing, and is retried until it succeeds', async (table) => {
    const { log } = busyRun();
    await bench.feed(bench.start(), log);
    const expected = await bench.rows();
    await bench.reset();
    const ledger = bench.start();
    await bench.feed(ledger, log, 10);
    const before = await bench.rows();
    await refuseWrites(table);
    await bench.append(log);
    await until(() => bench.warnings.length >= 2);
    expect(bench.warnings.at(-1)).toContain('disk_full');
    expect(await bench.rows()).toEqual(before);
    expect(ledger.position).toBe(10);
    await expect(ledger.proofs([12])).rejects.toThrow('not in the tree yet');
    await allowWrites(table);
    expect(await ledger.reached(log.events.length - 1, 20_000)).toBe(true);
    expect(await bench.rows()).toEqual(expected);
    expect(stateDigest(ledger.state)).toBe(stateDigest(log.state));
  });
});

describe('verify', () => {
  const made = (): SealedLog => busyRun().log;

  it('reports no finding for an unchanged log, with its position, root and state', async () => {
    const log = made();
    const ledger = bench.start();
    await bench.feed(ledger, log, 9);
    await ledger.sign();
    await bench.feed(ledger, log);
    expect(await ledger.verify()).toEqual({
      position: log.events.length,
      root: naiveRoot(entries(log)).toString('base64'),
      state: stateDigest(log.state),
      findings: [],
      first: null,
      checkpoints: 1,
      ledgerCompared: true,
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
  ])('finds any change of a body %s', async (_where, covered) => {
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

  it('finds a payload whose digest is not the one in its event', async () => {
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

  it('finds that the end of the log is missing', async () => {
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

  it('finds a changed tree and a changed checkpoint', async () => {
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

  it('finds a changed node above the leaves', async () => {
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
      'differs from the log: grant',
    ],
    ["UPDATE ledger.all_item SET view = '{}' WHERE kind = 'run'", 'differs from the log: run'],
    ["DELETE FROM ledger.all_item WHERE kind = 'approval'", 'is missing from the read models: approval'],
    ["UPDATE ledger.all_item SET id = 'x' WHERE kind = 'drift'", 'is not in the log: drift x'],
    ['UPDATE ledger.all_consequence SET in_flight = in_flight + 1', 'differs from the log: consequence'],
  ])('finds read models that differ from the log: %s', async (change, detail) => {
    const ledger = bench.start();
    await bench.feed(ledger, made());
    await bench.sql.query(change);
    const { findings, first } = await ledger.verify();
    expect(findings.join('\n')).toContain(detail);
    expect(first?.check).toBe('models');
  });

  it('compares the own state although a batch that would be folded in slices arrives during its digest', async () => {
    const log = made();
    const ledger = bench.start();
    await bench.feed(ledger, log);
    const [run] = ledger.state.runs.values();
    for (let n = 0; n < 10 * DIGEST_LINES; n++) ledger.state.runs.set(`run_forged${n}`, run!);
    while (log.events.length < ledger.position + BUS_LIMITS.slicedBatch - 1) log.open();
    let release = (): void => undefined;
    const read = jest.spyOn(bench.eventlog, 'read');
    const held = new Promise<void>((reading) => {
      read.mockImplementationOnce(async (...of) => {
        const events = await bench.eventlog.read(...of);
        await new Promise<void>((released) => {
          release = released;
          reading();
        });
        return events;
      });
    });
    await bench.append(log);
    await held;
    const verifying = ledger.verify();
    await new Promise(setImmediate); // the digest has started
    release();
    const { findings, ledgerCompared } = await verifying;
    expect([ledger.position, ledgerCompared]).toEqual([log.events.length, true]);
    expect(findings).toEqual([expect.stringContaining('the state of the ledger differs from the log')]);
    read.mockRestore();
  });

  it.each([
    ['it has no digest', undefined],
    ['the tables end before it', { position: 1_000, digest: 'sha256:' }],
  ])('states that the own state is not compared if %s', async (_why, own) => {
    const log = made();
    const ledger = bench.start();
    await bench.feed(ledger, log);
    const { eventlog, store } = bench;
    const options = { log: LOG, origin: ledger.origin, vkey: ledger.vkey, eventlog, store, own };
    expect(await verifyLog(options, log.events.length)).toMatchObject({ findings: [], ledgerCompared: false });
  });

  it('finds a state that was loaded from a forged snapshot', async () => {
    const log = made();
    const ledger = bench.start();
    await bench.feed(ledger, log);
    await bench.stop(ledger);
    const forged = fromSnapshot(toSnapshot(log.state));
    for (const run of forged.runs.values()) run.approvedBy = 'person:forged';
    await bench.eventlog.saveSnapshot(LOG, forged.next, FOLD_VERSION, toParts(forged));
    const again = bench.start();
    await until(() => again.state.next === forged.next);
    const wrong = [expect.stringContaining('the state of the ledger differs from the log')];
    expect((await again.verify()).findings).toEqual(wrong);
    expect((await again.verify(9)).findings).toEqual(wrong);
  });
});

it('LogLedger signs, proves and verifies a log from its first event on', async () => {
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
