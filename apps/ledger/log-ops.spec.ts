import type { Answer } from '#contracts/command';
import { LIMITS } from '#kernel/limits';
import { SealedLog } from '#receipts/testing/sealed-log';
import { openCheckpoint } from '#tlog/checkpoint';
import { entryHash, leafHash } from '#tlog/hash';
import { parseVerifierKey } from '#tlog/note';
import { valueOf } from '#tlog/testing/keys';
import { naiveRoot } from '#tlog/testing/naive-tree';
import { nodesOfTile, readEntryBundle, tilePath, tilesOf } from '#tlog/tile';
import type { LogLedger } from './log-ledger';
import { OPS } from './ops';
import { Bench, KEY, LOG, until } from './testing/bench';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
}, 120_000);
afterAll(() => bench.close());
beforeEach(() => bench.reset());

function ask(ledger: LogLedger, name: string, request: object): Promise<Answer> {
  const { eventlog, store } = bench;
  const run = OPS[name];
  if (!run) throw new Error(`there is no ${name}`);
  return run({ ledgers: new Map([[LOG, ledger]]), eventlog, store, key: KEY }, request);
}

async function told(ledger: LogLedger, name: string, request: object = {}): Promise<string> {
  const answer = await ask(ledger, name, { log: LOG, ...request });
  if (!answer.ok) throw new Error(`refused: ${JSON.stringify(answer.refusal)}`);
  return answer.value as string;
}

/** `events` long, at least. */
function longLog(events: number): SealedLog {
  const log = new SealedLog();
  while (log.events.length < events) log.open();
  return log;
}

describe('the tiles of a log', () => {
  it.each([1, 256, 513])('give to anybody the signed root of %s events, and every entry under it', async (size) => {
    const log = longLog(size);
    const ledger = bench.start();
    await bench.feed(ledger, log, size);
    const key = valueOf(parseVerifierKey((await told(ledger, 'vkey')).trim()));
    const { checkpoint } = valueOf(openCheckpoint(await told(ledger, 'checkpoint'), key));
    expect(checkpoint.size).toBe(BigInt(size));
    const hashes = new Map<string, Buffer>();
    const entries: Buffer[] = [];
    for (const tile of tilesOf(size)) {
      const path = tilePath(tile).replace(/^tile\//, '');
      const bytes = Buffer.from(await told(ledger, 'tile', { path }), 'base64');
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
  ])('do not have %s where there are three events', async (path) => {
    const ledger = bench.start();
    await bench.feed(ledger, longLog(4), 3);
    expect(await ask(ledger, 'tile', { log: LOG, path })).toMatchObject({ ok: false, refusal: { code: 'NOT_FOUND' } });
    expect(Buffer.from(await told(ledger, 'tile', { path: 'entries/000.p/3' }), 'base64').length).toBe(3 * 34);
  });
});

describe('folding a log anew', () => {
  it('is done once at a time, however many ask for it; few may wait', async () => {
    const log = longLog(8);
    const ledger = bench.start();
    await bench.feed(ledger, log);
    let reading = 0;
    let most = 0;
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const read = bench.eventlog.read.bind(bench.eventlog);
    bench.eventlog.read = async (of, from, limit) => {
      if (from > 0) return read(of, from, limit); // the ledger, looking whether there is more
      reading += 1;
      most = Math.max(most, reading);
      await held;
      reading -= 1;
      return read(of, from, limit);
    };
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
        refusal: { code: 'TOO_MANY', detail: expect.stringContaining('is being folded anew') },
      })),
    );
    await Promise.all(all);
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1 + LIMITS.foldsWaiting);
    expect(most).toBe(1);
  });
});
