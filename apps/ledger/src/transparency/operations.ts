import { randomUUID } from 'node:crypto';
import { logNameSchema } from '@bailiwick/contracts/primitives';
import type { Answer } from '@bailiwick/contracts/command';
import { entryHash } from '@bailiwick/transparency-log/hash';
import {
  entryBundle,
  hasTile,
  nodesOfTile,
  parseTilePath,
  TILE_WIDTH,
  tileBytes,
  tilePath,
  type Tile,
} from '@bailiwick/transparency-log/tile';
import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { continuing } from './consistency';
import type { LogLedger } from '../follower/log-ledger';
import { found, missing, op, refuse, type Backends, type Op } from '../operations/operation';
import type { Verified } from '../verification/verify';

const ofLogQuery = z.strictObject({
  log: logNameSchema,
  position: z.number().int().min(0).optional(),
  path: z.string().max(120).optional(),
  from: z.number().int().min(0).optional(),
  to: z.number().int().min(1).optional(),
  witnesses: z.number().int().min(0).max(LIMITS.witnesses).optional(),
  name: z.uuid().optional(),
});
type OfLog = Omit<z.infer<typeof ofLogQuery>, 'log'>;

const ofLog = (run: (ledger: LogLedger, backends: Backends, request: OfLog) => Promise<Answer>): Op =>
  op(ofLogQuery, (backends, { log, ...request }) => {
    const ledger = backends.ledgers.get(log);
    return ledger ? run(ledger, backends, request) : Promise.resolve(missing(log));
  });

/** What a log shows of itself to whoever would check it: its key, its signed heads, its proofs and its tiles. */
export const LOG_OPS: Readonly<Record<string, Op>> = {
  vkey: ofLog((ledger) => Promise.resolve(found(`${ledger.vkey}\n`))),
  checkpoint: ofLog(async (ledger, { store }, { witnesses }) => {
    await ledger.sign();
    const head = await store.heads.newest(ledger.state.log, witnesses);
    return head
      ? found(head.note)
      : refuse(
          'NOT_FOUND',
          witnesses ? `no checkpoint has ${witnesses} cosignatures yet` : 'the log has no events yet',
        );
  }),
  vkeys: ofLog(async (ledger, { store, handovers }) => {
    const keys = await store.heads.keys(ledger.state.log);
    return found({ items: keys, current: ledger.vkey, handovers: handovers?.() ?? [] });
  }),
  consistency: ofLog(async (ledger, { store }, { from = 0, to }) => {
    const { log } = ledger.state;
    const head = to === undefined ? await store.heads.newest(log) : await store.heads.at(log, to);
    if (!head) return refuse('NOT_FOUND', `there is no checkpoint of ${to ?? 'any'} leaves; ask for one without "to"`);
    if (from > head.size) return refuse('NOT_FOUND', `the checkpoint has ${head.size} leaves, fewer than ${from}`);
    return found(await continuing(store, log, from, head));
  }),
  proof: ofLog(async (ledger, _backends, { position = 0 }) => {
    if (!(await ledger.reached(position, 2_000))) return refuse('NOT_FOUND', `the log has no position ${position} yet`);
    return found((await ledger.proofs([position])).get(position));
  }),
  tile: ofLog(async (ledger, backends, { path = '' }) => {
    const tile = parseTilePath(`tile/${path}`);
    if (!tile.ok) return refuse('NOT_FOUND', tile.error);
    if (!hasTile(tile.value, ledger.position)) return refuse('NOT_FOUND', `there is no ${tilePath(tile.value)} yet`);
    return found((await bytesOf(tile.value, ledger, backends)).toString('base64'));
  }),
  verify: ofLog(async (ledger, _backends, { position, name = randomUUID() }) => {
    const begin = (): Promise<Verified> => ledger.folding.take(() => ledger.verify(position));
    return found((await ledger.verifications.ask(name, begin)) ?? { goesOn: true });
  }),
};

/** What we say as a witness of others' logs. */
export const WITNESS_OPS: Readonly<Record<string, Op>> = {
  'witness-vkey': op(z.strictObject({}), async ({ witness }) => (witness ? found(`${witness.vkey}\n`) : noWitness())),
  'add-checkpoint': op(
    z.strictObject({ submission: z.string().max(LIMITS.submissionBytes) }),
    async (backends, request) =>
      backends.witness ? found(await backends.witness.add(request.submission)) : noWitness(),
  ),
};

const noWitness = (): Answer => refuse('NOT_FOUND', 'this installation is no witness: witnesses.json names no logs');

/** The hashes of a tile, or the entries of a bundle: of each event the digest that its leaf is made of. */
async function bytesOf(tile: Tile, ledger: LogLedger, { store, eventlog }: Backends): Promise<Buffer> {
  const { log } = ledger.state;
  if (tile.level !== 'entries') return tileBytes(tile, await store.nodes(log, nodesOfTile(tile)));
  const events = await ledger.bundling.take(() => eventlog.read(log, tile.index * TILE_WIDTH, tile.width));
  if (events.length !== tile.width) throw new Error(`${log} lacks events of ${tilePath(tile)}, which its tree has`);
  return entryBundle(events.map(({ body }) => entryHash(body)));
}
