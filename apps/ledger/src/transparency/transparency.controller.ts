import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { ledgerSubject } from '@bailiwick/messaging/subjects';
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
import { Sources } from '../connections/sources';
import type { LogLedger } from '../follower/log-ledger';
import { LogLedgers } from '../follower/log-ledgers';
import { found, missing, refuse } from '../rpc/answers';
import { ZodPipe } from '@bailiwick/platform/rpc/zod.pipe';
import { continuing } from './consistency';
import { logQuery, type LogQuery } from './log-query';
import { HANDOVERS, type ReadHandovers } from './tokens';

/** How long `proof` waits for a position that the ledger has not reached. */
const PROOF_WAIT_MS = 2_000;

/** Publishes what auditors need to check a log: its keys, signed heads, proofs and tiles. */
@Controller()
export class TransparencyController {
  constructor(
    private readonly ledgers: LogLedgers,
    private readonly sources: Sources,
    @Inject(HANDOVERS) private readonly readHandovers: ReadHandovers,
  ) {}

  @MessagePattern(ledgerSubject('vkey'))
  vkey(@Payload(new ZodPipe(logQuery)) { log }: LogQuery): Answer {
    const ledger = this.ledgers.get(log);
    return ledger ? found(`${ledger.vkey}\n`) : missing(log);
  }

  @MessagePattern(ledgerSubject('vkeys'))
  async vkeys(@Payload(new ZodPipe(logQuery)) { log }: LogQuery): Promise<Answer> {
    const ledger = this.ledgers.get(log);
    if (!ledger) return missing(log);
    const keys = await this.sources.store.heads.keys(log);
    return found({ items: keys, current: ledger.vkey, handovers: this.readHandovers() });
  }

  @MessagePattern(ledgerSubject('checkpoint'))
  async checkpoint(@Payload(new ZodPipe(logQuery)) { log, witnesses }: LogQuery): Promise<Answer> {
    const ledger = this.ledgers.get(log);
    if (!ledger) return missing(log);
    await ledger.sign();
    const head = await this.sources.store.heads.newest(log, witnesses);
    if (head) return found(head.note);
    return refuse(
      'NOT_FOUND',
      witnesses ? `no checkpoint has ${witnesses} cosignatures yet` : 'the log has no events yet',
    );
  }

  @MessagePattern(ledgerSubject('consistency'))
  async consistency(@Payload(new ZodPipe(logQuery)) { log, from = 0, to }: LogQuery): Promise<Answer> {
    const { store } = this.sources;
    if (!this.ledgers.has(log)) return missing(log);
    const head = to === undefined ? await store.heads.newest(log) : await store.heads.at(log, to);
    if (!head)
      return refuse('NOT_FOUND', `no checkpoint of ${to ?? 'any'} leaves exists; omit "to" for the newest one`);
    if (from > head.size) return refuse('NOT_FOUND', `the checkpoint has ${head.size} leaves, fewer than ${from}`);
    return found(await continuing(store, log, from, head));
  }

  @MessagePattern(ledgerSubject('proof'))
  async proof(@Payload(new ZodPipe(logQuery)) { log, position = 0 }: LogQuery): Promise<Answer> {
    const ledger = this.ledgers.get(log);
    if (!ledger) return missing(log);
    if (!(await ledger.reached(position, PROOF_WAIT_MS)))
      return refuse('NOT_FOUND', `the log has no position ${position} yet`);
    return found((await ledger.proofs([position])).get(position));
  }

  @MessagePattern(ledgerSubject('tile'))
  async tile(@Payload(new ZodPipe(logQuery)) { log, path = '' }: LogQuery): Promise<Answer> {
    const ledger = this.ledgers.get(log);
    if (!ledger) return missing(log);
    const tile = parseTilePath(`tile/${path}`);
    if (!tile.ok) return refuse('NOT_FOUND', tile.error);
    if (!hasTile(tile.value, ledger.position)) return refuse('NOT_FOUND', `${tilePath(tile.value)} does not exist yet`);
    return found((await this.bytesOf(tile.value, log, ledger)).toString('base64'));
  }

  /** Returns the hashes of a tile, or the entries of a bundle: for each event the digest that its leaf is a hash of. */
  private async bytesOf(tile: Tile, log: string, ledger: LogLedger): Promise<Buffer> {
    const { eventlog, store } = this.sources;
    if (tile.level !== 'entries') return tileBytes(tile, await store.nodes(log, nodesOfTile(tile)));
    const events = await ledger.bundling.take(() => eventlog.read(log, tile.index * TILE_WIDTH, tile.width));
    if (events.length !== tile.width) throw new Error(`${log} lacks events of ${tilePath(tile)}, which its tree has`);
    return entryBundle(events.map(({ body }) => entryHash(body)));
  }
}
