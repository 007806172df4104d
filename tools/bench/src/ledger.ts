import { createPublicKey, generateKeyPairSync, hash, sign, verify, type KeyObject } from 'node:crypto';
import type { BailiwickClient, Granted } from '@bailiwick/client/client';
import { verifyReceipt } from '@bailiwick/receipts/verify';
import { signCheckpoint } from '@bailiwick/transparency-log/checkpoint';
import { entryHash, leafHash } from '@bailiwick/transparency-log/hash';
import { makeSigner, parseVerifierKey, verifierKey } from '@bailiwick/transparency-log/note';
import { piecesOf } from '@bailiwick/transparency-log/pieces';
import { proofText, verifyProof } from '@bailiwick/transparency-log/proof';
import { growTree, inclusionProof, rootHash } from '@bailiwick/transparency-log/merkle-tree';
import type { BenchOptions } from './bench';
import { benchLag } from './lag';
import { byTurns, median } from './report/rounds';
import { openLeases, type System } from './system';

const LEAVES = 100_000;
/** the size of a ledger's batches under load */
const BATCH = 1_000;
const ROUND_MS = 1_500;
const ACTIONS = 30;
const AT_ONCE = 4;

/**
 * Compares the work of a ledger per event with the hashing and signing that it requires, on one core and without a
 * network; then measures the lag of the running ledger under full load.
 */
export async function benchLedger(options: BenchOptions): Promise<void> {
  const { system, report, rounds } = options;
  const bodies = Array.from({ length: LEAVES }, (_, i) => JSON.stringify({ position: i, body: 'x'.repeat(900) }));

  const grown = await byTurns(
    {
      ours: () => Promise.resolve(timed(() => integrate(bodies).size)),
      theirs: () => Promise.resolve(timed(() => rawTree(bodies))),
    },
    rounds,
  );
  report.against('integrate', 'leaves/s/core', 'raw-sha256', grown.ours, grown.theirs);

  const tree = integrate(bodies);
  const { privateKey } = generateKeyPairSync('ed25519');
  const name = 'bench.example/bench/0';
  const key = parseVerifierKey(verifierKey(name, privateKey));
  if (!key.ok) throw new Error(key.error);
  const head = { origin: name, size: BigInt(tree.size), root: rootHash(tree.size, tree.read) };
  const note = signCheckpoint(head, [makeSigner(name, privateKey)]);
  const prove = (at: number): string => proofText(at, inclusionProof(at, tree.size, tree.read), note);
  const somewhere = (i: number): number => (i * 7_919) % tree.size;
  report.alone(
    'proofs',
    'proofs/s/core',
    await perSecond((i) => void prove(somewhere(i)), rounds),
    `in a tree of ${LEAVES}`,
  );
  const texts = Array.from({ length: 500 }, (_, i) => prove(somewhere(i)));
  const proofs = await perSecond((i) => {
    const at = i % texts.length;
    const leaf = leafHash(entryHash(bodies[somewhere(at)] as string));
    if (!verifyProof(texts[at] as string, leaf, key.value).ok) throw new Error('an inclusion proof does not verify');
  }, rounds);
  report.alone('proofs_verified', 'proofs/s/core', proofs, 'each alone, with the signature of its checkpoint');

  await benchReceipts({ system, report, rounds });
  await benchLag(options);
}

/** Measures receipts of a run of 30 actions, signed by the running system. */
async function benchReceipts({
  system,
  report,
  rounds,
}: Pick<BenchOptions, 'system' | 'report' | 'rounds'>): Promise<void> {
  const analyst = system.as('analyst');
  const { runId, position } = await runOf(system);
  const receipt = await analyst.receipt(runId, position);
  const vkey = await analyst.verifierKey(`${system.credentials.tenant}/0`);
  const text = JSON.stringify(receipt);
  const built = await byTurns({ ours: () => fetched(analyst, runId) }, rounds);
  report.alone(
    'receipts_built',
    'receipts/s',
    median(built.ours),
    `of ${ACTIONS} actions, over HTTP, ${AT_ONCE} at once`,
  );
  const floor = rawFloor(text);
  const figures = await byTurns(
    {
      ours: () =>
        perSecond(() => {
          if (!verifyReceipt(JSON.parse(text), vkey).ok) throw new Error('a receipt does not verify');
        }, 1),
      theirs: () => perSecond(floor, 1),
    },
    rounds,
  );
  report.against('receipts_verified', 'receipts/s/core', 'raw-crypto', figures.ours, figures.theirs);
}

async function runOf(system: System): Promise<{ runId: string; position: number }> {
  const [granted] = (await openLeases(system, 1, 0)) as [Granted];
  const enforcer = system.as('enforcer');
  for (let i = 0; i < ACTIONS; i++) {
    const { actionId } = await enforcer.act({
      grantId: granted.grant.id,
      action: { verb: 'file.read', tool: 'read_file', args: { path: `repo/src/${i}.ts` } },
      resource: { type: 'file', id: `repo/src/${i}.ts` },
    });
    await enforcer.settle(actionId, { status: 'completed', preview: 'export const answer = 42;', effects: {} });
  }
  const { position } = await system.as('orchestrator').complete(granted.run.id);
  return { runId: granted.run.id, position };
}

async function fetched(client: BailiwickClient, runId: string): Promise<number> {
  const started = performance.now();
  let done = 0;
  const worker = async (): Promise<void> => {
    for (; performance.now() - started < ROUND_MS; done++) await client.receipt(runId);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return (done / (performance.now() - started)) * 1_000;
}

/** Does the minimum that verifying this receipt takes: its JSON, two signatures, one hash per body and two for its path. */
function rawFloor(text: string): () => void {
  const { payload } = JSON.parse(text) as { payload: string };
  const { privateKey } = generateKeyPairSync('ed25519');
  const key: KeyObject = createPublicKey(privateKey);
  const small = Buffer.alloc(200);
  const signatures = [Buffer.from(payload, 'base64'), small].map((bytes) => sign(null, bytes, privateKey));
  const node = Buffer.alloc(65);
  return () => {
    const bytes = Buffer.from((JSON.parse(text) as { payload: string }).payload, 'base64');
    verify(null, bytes, key, signatures[0] as Buffer);
    verify(null, small, key, signatures[1] as Buffer);
    const { predicate } = JSON.parse(bytes.toString('latin1')) as { predicate: { events: { body: string }[] } };
    for (const { body } of predicate.events) {
      hash('sha256', body, 'buffer');
      hash('sha256', node, 'buffer');
      hash('sha256', node, 'buffer');
      JSON.parse(body);
    }
  };
}

function integrate(bodies: readonly string[]): {
  size: number;
  read: (level: number, index: number) => Buffer | undefined;
} {
  const nodes = new Map<number, Buffer>();
  let frontier: readonly Buffer[] = [];
  let size = 0;
  for (; size < bodies.length; size += BATCH) {
    const leaves = bodies.slice(size, size + BATCH).map((body) => leafHash(entryHash(body)));
    const grown = growTree(size, frontier, leaves);
    piecesOf(grown.newNodes);
    for (const { level, index, hash: value } of grown.newNodes) nodes.set(index * 64 + level, value);
    frontier = grown.frontier;
  }
  return { size: bodies.length, read: (level, index) => nodes.get(index * 64 + level) };
}

/** Computes only the hashes: of each body, each leaf and each pair. */
function rawTree(bodies: readonly string[]): number {
  const leaf = Buffer.alloc(33);
  const node = Buffer.alloc(65);
  for (const body of bodies) {
    hash('sha256', body, 'buffer');
    hash('sha256', leaf, 'buffer');
    hash('sha256', node, 'buffer');
  }
  return bodies.length;
}

function timed(work: () => number): number {
  const before = process.cpuUsage();
  return perCore(work(), before);
}

/** Returns how often one core does synchronous work per second: the median of the rounds after one warm-up round. */
function perSecond(work: (i: number) => void, rounds: number): Promise<number> {
  const figures = Array.from({ length: rounds + 1 }, () => {
    const [started, before] = [performance.now(), process.cpuUsage()];
    let done = 0;
    for (; performance.now() - started < ROUND_MS; done++) work(done);
    return perCore(done, before);
  });
  return Promise.resolve(median(figures.slice(1)));
}

/** Divides by the processor time of all threads, including garbage collection; other load on the machine does not count. */
function perCore(done: number, before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (done / (user + system)) * 1_000_000;
}
