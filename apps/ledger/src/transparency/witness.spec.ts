import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { busyRun } from '@bailiwick/receipts/testing/busy-run';
import { signCheckpoint } from '@bailiwick/transparency-log/checkpoint';
import { parseWitnessKey, witnessKey } from '@bailiwick/transparency-log/cosignature';
import { entryHash, leafHash } from '@bailiwick/transparency-log/hash';
import {
  addSignatures,
  makeSigner,
  openNote,
  parseVerifierKey,
  readNote,
  verifierKey,
} from '@bailiwick/transparency-log/note';
import { verifyProof } from '@bailiwick/transparency-log/proof';
import { submissionText } from '@bailiwick/transparency-log/submission';
import { seededKey, valueOf } from '@bailiwick/transparency-log/testing/keys';
import { grown, someEntries } from '@bailiwick/transparency-log/testing/naive-tree';
import { consistencyProof, rootHash } from '@bailiwick/transparency-log/merkle-tree';
import { Cosigning } from './cosigning';
import { Bench, LOG, until } from '../testing/bench';
import { Witness, type WitnessAnswer } from './witness';

let bench: Bench;
let server: Server | undefined;
beforeAll(async () => {
  bench = await Bench.open();
}, 120_000);
afterAll(() => bench.close());
beforeEach(() => bench.reset());
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

const NAME = 'witness.test/w1';
const KEY = seededKey(21);
const witnessOf = (origin: string, vkey: string, heads = bench.store.heads): Witness =>
  new Witness({ name: NAME, key: KEY, logs: [{ origin, vkeys: [vkey] }], heads, now: () => 1_790_000_000_000 });

describe('Witness', () => {
  const ORIGIN = 'log.test/a';
  const LOG_KEY = seededKey(22);
  const { read } = grown(someEntries(50));
  const other = grown(someEntries(60).slice(7));
  const signed = (size: number, from = read): string =>
    signCheckpoint({ origin: ORIGIN, size: BigInt(size), root: rootHash(size, from) }, [makeSigner(ORIGIN, LOG_KEY)]);
  const sent = (old: number, size: number, from = read): string =>
    submissionText(old, old === 0 || old === size ? [] : consistencyProof(old, size, from), signed(size, from));
  const witness = (heads = bench.store.heads): Witness => witnessOf(ORIGIN, verifierKey(ORIGIN, LOG_KEY), heads);
  const accepted = (size: number, { status, text }: WitnessAnswer): void => {
    expect(status).toBe(200);
    const key = valueOf(parseWitnessKey(witnessKey(NAME, KEY)));
    expect(valueOf(openNote(signed(size) + text, [key])).signedBy).toEqual([NAME]);
  };

  it('cosigns only checkpoints that extend the cosigned history, on every instance', async () => {
    accepted(5, await witness().add(sent(0, 5)));
    accepted(5, await witness().add(sent(5, 5)));
    accepted(20, await witness().add(sent(5, 20)));
    expect(await witness().add(sent(0, 30, other.read))).toEqual({
      status: 409,
      text: '20\n',
      type: 'text/x.tlog.size',
    });
    expect((await witness().add(sent(20, 30, other.read))).status).toBe(422);
    expect((await witness().add(sent(20, 20, other.read))).status).toBe(409);
    expect((await witness().add('old 0\n\nnonsense')).status).toBe(400);
    accepted(30, await witness().add(sent(20, 30)));
  });

  it('cosigns one of two histories that are submitted concurrently', async () => {
    for (let round = 0; round < 5; round++) {
      await bench.reset();
      const asked = [read, other.read].flatMap((from) => [1, 2].map(() => witness().add(sent(0, 10, from))));
      const answers = await Promise.all(asked);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
    }
  });

  it('signs nothing if it dies after it stored the head, and cosigns no other history afterwards', async () => {
    const { heads } = bench.store;
    const dying = {
      witnessed: heads.witnessed.bind(heads),
      witness: async (...args: Parameters<typeof heads.witness>): Promise<boolean> => {
        await heads.witness(...args);
        throw new Error('the process died');
      },
    } as unknown as typeof heads;
    await expect(witness(dying).add(sent(0, 10))).rejects.toThrow('the process died');
    expect(await witness().add(sent(0, 10, other.read))).toMatchObject({ status: 409, text: '10\n' });
    expect((await witness().add(sent(10, 12, other.read))).status).toBe(422);
    expect(await witness().add(sent(0, 10))).toMatchObject({ status: 409, text: '10\n' });
    accepted(10, await witness().add(sent(10, 10))); // as the log does after it received the size
  });
});

describe('a log with a witness', () => {
  /** Serves a witness over HTTP, as another installation does. */
  async function served(answer: (submission: string) => Promise<WitnessAnswer>): Promise<string> {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        void answer(Buffer.concat(chunks).toString()).then(({ status, text, type }) => {
          response.writeHead(status, { 'content-type': type ?? 'text/plain' }).end(text);
        });
      });
    });
    const listening = server;
    await new Promise<void>((done) => listening.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(listening.address() as AddressInfo).port}/witness`;
  }
  const cosigning = (url: string, vkey = witnessKey(NAME, KEY)): Cosigning =>
    new Cosigning({
      log: LOG,
      witness: { vkey, url, everySeconds: 1 },
      store: bench.store,
      warn: (message, cause) => void bench.warnings.push(`${message}: ${String(cause)}`),
    });
  const ours = (): Witness => {
    const { origin, vkey } = bench.make();
    return witnessOf(origin, vkey);
  };

  it('gets its heads cosigned, serves the cosignatures, and includes them in proofs', async () => {
    const { log } = busyRun();
    const ledger = bench.start();
    await bench.feed(ledger, log, 12);
    await ledger.sign();
    const witness = ours();
    const loop = cosigning(await served((text) => witness.add(text)));
    await loop.once();
    await bench.feed(ledger, log, 20);
    await ledger.sign();
    await loop.once();
    await loop.once(); // nothing new
    const keys = [valueOf(parseWitnessKey(witness.vkey))];
    const log_ = valueOf(parseVerifierKey(ledger.vkey));
    for (const size of [12, 20]) {
      const head = await bench.store.heads.at(LOG, size);
      expect(valueOf(openNote(head?.note ?? '', [log_, ...keys])).signedBy).toEqual([log_.name, NAME]);
    }
    await bench.feed(ledger, log);
    await ledger.sign();
    expect((await bench.store.heads.newest(LOG, 1))?.size).toBe(20);
    const proof = (await bench.make(undefined, 1).proofs([3])).get(3) ?? '';
    const leaf = leafHash(entryHash(log.stored()[3]!.body));
    expect(valueOf(verifyProof(proof, leaf, log_, { keys, quorum: 1 })).witnessedBy).toEqual([NAME]);
    expect(await ledger.verify()).toMatchObject({ findings: [] });
  });

  it('adopts the size that the witness has cosigned if the ledger has lost cosignatures', async () => {
    const { log } = busyRun();
    const ledger = bench.start();
    await bench.feed(ledger, log, 12);
    await ledger.sign();
    const witness = ours();
    const url = await served((text) => witness.add(text));
    await cosigning(url).once();
    await bench.sql.query('TRUNCATE ledger.cosignature'); // as after a crash before they were stored
    await cosigning(url).once();
    expect((await bench.store.heads.newest(LOG, 1))?.size).toBe(12);
    await bench.feed(ledger, log, 30);
    await ledger.sign();
    await bench.sql.query('TRUNCATE ledger.cosignature');
    await cosigning(url).once();
    expect((await bench.store.heads.newest(LOG, 1))?.size).toBe(30);
  });

  it('stores no invalid cosignature, and is not delayed by any witness', async () => {
    const { log } = busyRun();
    const ledger = bench.start();
    await bench.feed(ledger, log, 12);
    await ledger.sign();
    const witness = ours();
    const forged = async (text: string): Promise<WitnessAnswer> => {
      const { text: line, ...answer } = await witness.add(text);
      const { signatures } = valueOf(readNote(`x\n\n${line}`));
      const [own] = signatures;
      const bytes = Buffer.from(own!.signature);
      bytes[20]! ^= 1;
      return {
        ...answer,
        text: `${
          addSignatures(`x\n\n${line}`, [{ ...own!, signature: bytes }])
            .split('\n')
            .at(-2) ?? ''
        }\n`,
      };
    };
    await expect(cosigning(await served(forged)).once()).rejects.toThrow('no cosignature of its key');
    server?.close();
    await expect(cosigning(await served(() => Promise.resolve({ status: 500, text: 'no' }))).once()).rejects.toThrow(
      '500',
    );
    expect(await bench.store.heads.newest(LOG, 1)).toBeUndefined();
    server?.close();
    // a witness that never responds
    const loop = cosigning(await served(() => new Promise(() => undefined)));
    loop.start();
    await bench.feed(ledger, log);
    await ledger.sign();
    expect((await bench.store.heads.newest(LOG))?.size).toBe(log.events.length);
    await loop.stop();
    const gone = cosigning('http://127.0.0.1:1/witness');
    gone.start();
    await until(() => bench.warnings.some((line) => line.includes('has not cosigned')));
    await gone.stop();
  });
});
