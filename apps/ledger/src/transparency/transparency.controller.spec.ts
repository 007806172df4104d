import { randomUUID } from 'node:crypto';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { LIMITS } from '@bailiwick/core/limits';
import { SealedLog } from '@bailiwick/receipts/testing/sealed-log';
import { openCheckpoint } from '@bailiwick/transparency-log/checkpoint';
import { verifyProof } from '@bailiwick/transparency-log/proof';
import { openSubmission } from '@bailiwick/transparency-log/submission';
import { entryHash, leafHash } from '@bailiwick/transparency-log/hash';
import { parseVerifierKey } from '@bailiwick/transparency-log/note';
import { seededKey, valueOf } from '@bailiwick/transparency-log/testing/keys';
import { naiveRoot } from '@bailiwick/transparency-log/testing/naive-tree';
import { nodesOfTile, readEntryBundle, tilePath, tilesOf } from '@bailiwick/transparency-log/tile';
import type { LogLedger } from '../follower/log-ledger';
import { Bench, LOG, until } from '../testing/bench';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
}, 120_000);
afterAll(() => bench.close());
beforeEach(() => bench.reset());

function ask(ledger: LogLedger, name: string, request: object): Promise<Answer> {
  return bench.ask(ledger, name, request);
}

function answered(answer: Answer): unknown {
  if (!answer.ok) throw new Error(`refused: ${JSON.stringify(answer.refusal)}`);
  return answer.value;
}

async function textOf(ledger: LogLedger, name: string, request: object = {}): Promise<string> {
  return answered(await ask(ledger, name, { log: LOG, ...request })) as string;
}

/** Returns a log of at least `events` events. */
function longLog(events: number): SealedLog {
  const log = new SealedLog();
  while (log.events.length < events) log.open();
  return log;
}

describe('the tiles of a log', () => {
  it.each([1, 256, 513])('reproduce the signed root of %s events from their entries', async (size) => {
    const log = longLog(size);
    const ledger = bench.start();
    await bench.feed(ledger, log, size);
    const key = valueOf(parseVerifierKey((await textOf(ledger, 'vkey')).trim()));
    const { checkpoint } = valueOf(openCheckpoint(await textOf(ledger, 'checkpoint'), key));
    expect(checkpoint.size).toBe(BigInt(size));
    const hashes = new Map<string, Buffer>();
    const entries: Buffer[] = [];
    for (const tile of tilesOf(size)) {
      const path = tilePath(tile).replace(/^tile\//, '');
      const bytes = Buffer.from(await textOf(ledger, 'tile', { path }), 'base64');
      if (tile.level === 'entries') entries.push(...valueOf(readEntryBundle(bytes)));
      else expect([path, bytes.length]).toEqual([path, 32 * tile.width]);
      nodesOfTile(tile).forEach(({ level, index }, i) =>
        hashes.set(`${level}/${index}`, bytes.subarray(32 * i, 32 * (i + 1))),
      );
    }
    expect(entries).toEqual(
      log
        .stored()
        .slice(0, size)
        .map(({ body }) => entryHash(body)),
    );
    expect(naiveRoot(entries)).toEqual(checkpoint.root);
    entries.forEach((entry, i) => expect(hashes.get(`0/${i}`)).toEqual(leafHash(entry)));
    for (let i = 0; 256 * (i + 1) <= size; i += 1)
      expect(hashes.get(`8/${i}`)).toEqual(naiveRoot(entries.slice(256 * i, 256 * (i + 1))));
  });

  it.each([
    '0/000',
    '0/000.p/4',
    '0/001.p/1',
    '1/000.p/1',
    '63/000.p/1',
    'entries/000',
    'entries/000.p/4',
    'entries/001.p/1',
    '0/x000/000.p/3',
    '0/000.p/0',
    '0/000.p/03',
    '0/000.p/256',
    '00/000.p/3',
    '64/000.p/3',
    '0/0.p/3',
    '0/../0',
    'entries',
    '',
  ])('do not include %s for three events', async (path) => {
    const ledger = bench.start();
    await bench.feed(ledger, longLog(4), 3);
    expect(await ask(ledger, 'tile', { log: LOG, path })).toMatchObject({ ok: false, refusal: { code: 'NOT_FOUND' } });
    expect(Buffer.from(await textOf(ledger, 'tile', { path: 'entries/000.p/3' }), 'base64').length).toBe(3 * 34);
  });
});

describe('refolding a log', () => {
  it('runs once at a time and queues a few requests', async () => {
    const log = longLog(8);
    const ledger = bench.start();
    await bench.feed(ledger, log);
    let reading = 0;
    let most = 0;
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const counted = async <T>(read: () => Promise<T>): Promise<T> => {
      reading += 1;
      most = Math.max(most, reading);
      await held;
      reading -= 1;
      return read();
    };
    const [read, search] = [bench.eventlog.read.bind(bench.eventlog), bench.eventlog.search.bind(bench.eventlog)];
    // reads from later positions are those of the follower
    bench.eventlog.read = (of, from, limit) =>
      from > 0 ? read(of, from, limit) : counted(() => read(of, from, limit));
    bench.eventlog.search = (filter) => counted(() => search(filter));
    const { treeId } = log.last('RunOpened');
    const fold = [
      (): Promise<Answer> => ask(ledger, 'verify', { log: LOG }),
      (): Promise<Answer> => ask(ledger, 'tree-at', { tenant: 'default', treeId, at: '7' }),
    ];
    const answers: Answer[] = [];
    const all = Array.from({ length: 1 + LIMITS.foldsWaiting + 2 }, async (_, i) =>
      answers.push(await (fold[i % 2] as () => Promise<Answer>)()),
    );
    await until(() => answers.length === 2 || reading > 1).finally(release);
    expect(answers.slice(0, 2)).toEqual(
      [1, 2].map(() => ({
        ok: false,
        refusal: { code: 'TOO_MANY', detail: expect.stringContaining('is being refolded') },
      })),
    );
    await Promise.all(all);
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1 + LIMITS.foldsWaiting);
    expect(most).toBe(1);
  });
});

describe('a verification that takes longer than a request may', () => {
  afterEach(() => jest.restoreAllMocks());

  it('is polled by its name until it has finished, and runs once', async () => {
    jest.replaceProperty(LIMITS, 'verifyLookMs', 5 as never);
    const log = longLog(20);
    const ledger = bench.start();
    await bench.feed(ledger, log);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const read = bench.eventlog.read.bind(bench.eventlog);
    let started = 0;
    bench.eventlog.read = async (of, from, limit) => {
      if (from === 0) started += 1;
      await held;
      return read(of, from, limit);
    };
    const [mine, other] = [randomUUID(), randomUUID()];
    const verify = async (name: string): Promise<unknown> => answered(await ask(ledger, 'verify', { log: LOG, name }));
    expect([await verify(mine), await verify(mine)]).toEqual([{ goesOn: true }, { goesOn: true }]);
    await until(() => started > 0);
    expect(await verify(other)).toEqual({ goesOn: true }); // waits for its turn
    expect(started).toBe(1);
    release();
    const over = async (name: string): Promise<unknown> => {
      for (;;) {
        const result = await verify(name);
        if (!(result as { goesOn?: true }).goesOn) return result;
      }
    };
    expect(await over(mine)).toMatchObject({ position: log.events.length, findings: [] });
    expect(await over(other)).toMatchObject({ findings: [] });
    expect(started).toBe(2);
    expect(await over(mine)).toMatchObject({ findings: [] }); // the result is returned once; the next request starts a new verification
    expect(started).toBe(3);
  });

  it('is started again by the next request after a failure', async () => {
    const log = longLog(20);
    const ledger = bench.start();
    await bench.feed(ledger, log);
    const read = bench.eventlog.read.bind(bench.eventlog);
    let isBroken = true;
    bench.eventlog.read = async (of, from, limit) => {
      if (from > 0 || !isBroken) return read(of, from, limit); // later reads are those of the follower
      isBroken = false;
      throw new Error('the connection broke');
    };
    const mine = { log: LOG, name: randomUUID() };
    await expect(ask(ledger, 'verify', mine)).rejects.toEqual({ status: 'error', message: 'Internal server error' });
    expect(bench.errors).toEqual([new Error('the connection broke')]);
    expect(answered(await ask(ledger, 'verify', mine))).toMatchObject({ position: log.events.length, findings: [] });
  });
});

describe('the consistency of a log', () => {
  it('is proved between any two of its checkpoints', async () => {
    const log = longLog(40);
    const ledger = bench.start();
    const sizes = [1, 4, 7, 8, 31, 40];
    for (const size of sizes) {
      await bench.feed(ledger, log, size);
      await ledger.sign();
    }
    const vkey = valueOf(parseVerifierKey((await textOf(ledger, 'vkey')).trim()));
    const known = { origin: vkey.name, keys: [vkey] };
    for (const [i, from] of sizes.entries())
      for (const to of sizes.slice(i)) {
        const text = await textOf(ledger, 'consistency', { from, to });
        const held = {
          size: BigInt(from),
          root: naiveRoot(
            log
              .stored()
              .slice(0, from)
              .map(({ body }) => entryHash(body)),
          ),
        };
        expect(valueOf(openSubmission(text, known, held)).size).toBe(BigInt(to));
      }
    expect(await textOf(ledger, 'consistency', { from: 3 })).toContain('\n40\n');
    expect(await ask(ledger, 'consistency', { log: LOG, from: 1, to: 5 })).toMatchObject({
      refusal: { code: 'NOT_FOUND' },
    });
    expect(await ask(ledger, 'consistency', { log: LOG, from: 8, to: 7 })).toMatchObject({
      refusal: { code: 'NOT_FOUND' },
    });
  });
});

describe('a log whose key is changed', () => {
  it('publishes both keys: the old one verifies earlier proofs and heads, the new one later ones', async () => {
    const log = longLog(20);
    const first = bench.start();
    await bench.feed(first, log, 12);
    await first.sign();
    const before = { proof: await textOf(first, 'proof', { position: 3 }), vkey: await textOf(first, 'vkey') };
    await bench.stop(first);
    const second = bench.start(seededKey(77));
    await until(() => second.position === 12);
    const proof = await textOf(second, 'proof', { position: 3 });
    const after = { proof, vkey: await textOf(second, 'vkey'), head: await textOf(second, 'checkpoint') };
    const [old, now] = [before.vkey, after.vkey].map((vkey) => valueOf(parseVerifierKey(vkey.trim())));
    const leaf = leafHash(entryHash(log.stored()[3]!.body));
    expect(verifyProof(before.proof, leaf, old!).ok).toBe(true);
    expect(verifyProof(before.proof, leaf, now!).ok).toBe(false);
    expect(verifyProof(after.proof, leaf, now!).ok).toBe(true);
    // the head at which the key was changed is signed by both
    expect(openCheckpoint(after.head, old!).ok).toBe(true);
    expect(openCheckpoint(after.head, now!).ok).toBe(true);
    await bench.feed(second, log);
    await second.sign();
    expect(openCheckpoint(await textOf(second, 'checkpoint'), old!).ok).toBe(false);
    expect(openCheckpoint(await textOf(second, 'checkpoint'), now!).ok).toBe(true);
    const keys = (await textOf(second, 'vkeys')) as unknown as { items: { vkey: string; size: number }[] };
    expect(keys).toMatchObject({
      items: [
        { vkey: before.vkey.trim(), size: 0 },
        { vkey: after.vkey.trim(), size: 12 },
      ],
      current: after.vkey.trim(),
    });
  });
});
