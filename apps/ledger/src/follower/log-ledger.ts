import type { KeyObject } from 'node:crypto';
import { setImmediate as breathe } from 'node:timers/promises';
import { digestInSteps } from '@bailiwick/authority/state/snapshot';
import { emptyState, type LogState } from '@bailiwick/authority/state/state';
import { followLog, type Batch, type EventSource, type Follower } from '@bailiwick/messaging/log-follower/follow-log';
import type { EventLog } from '@bailiwick/event-store/port';
import { parseLogName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { problemsOf, type LogProblem } from '@bailiwick/platform/health';
import { loadState } from '@bailiwick/platform/log-state';
import { ArchivedTreeLoader } from '@bailiwick/platform/archived-tree-loader';
import { SerialQueue } from '@bailiwick/platform/serial-queue';
import { signCheckpoint } from '@bailiwick/transparency-log/checkpoint';
import { makeSigner, verifierKey } from '@bailiwick/transparency-log/note';
import { proofText } from '@bailiwick/transparency-log/proof';
import {
  frontierOf,
  inclusionProof,
  nodesForInclusion,
  nodesForRoot,
  rootHash,
} from '@bailiwick/transparency-log/tree';
import { integrate } from './integrate';
import { Cuts } from '../receipts/parts';
import type { CheckpointRow } from '../transparency/heads';
import type { LedgerStore } from '../read-models/store';
import { Verifications } from '../verification/verifications';
import { verifyLog, type Verified } from '../verification/verify';

export interface LogLedgerOptions {
  readonly log: string;
  readonly origin: string;
  readonly key: KeyObject;
  readonly eventlog: EventLog;
  readonly store: LedgerStore;
  readonly source: EventSource;
  readonly warn: (message: string, cause?: unknown) => void;
  /** how many witnesses cosign its heads */
  readonly witnesses?: number;
}

const CHECKPOINT_MS = 1_000;
const DIGEST_LINES = 2_000;
const DIGEST_TRIES = 3;
/** Under load a few larger transactions cost less than many small ones; whoever asks for a position isn't kept waiting. */
const GATHER_MS = 100;

/** Follows one log: its tree, its signed heads, its read models. All that is here can be made again from the log. */
export class LogLedger {
  state: LogState;
  /** folding the log anew, for whoever asks: as heavy as the log is long */
  readonly folding: SerialQueue;
  readonly verifications = new Verifications();
  /** trees that the state has forgotten */
  readonly archivedTrees: ArchivedTreeLoader;
  /** reading entries whole, for anybody */
  readonly bundling: SerialQueue;
  /** receipts that are too large for one message: which events each of their parts has */
  readonly inParts = new Cuts();
  /** reading all events of a receipt that is too large for one message */
  readonly gathering: SerialQueue;
  /** of the tree of `state.next` leaves: all that an append needs */
  private frontier: readonly Buffer[] = [];
  private follower: Follower | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** why the log could not be folded at the last try */
  private notFolded: unknown;
  private signed = -1;
  /** the size of the first tree that this key signed; undefined until it has signed one since the start */
  private keyFrom: number | undefined;
  /** the signing that is under way, and the one after it, which all share who ask meanwhile */
  private signing: Promise<void> = Promise.resolve();
  private nextSigning: Promise<void> | undefined;

  constructor(private readonly options: LogLedgerOptions) {
    this.state = this.fresh();
    const { foldsWaiting, foldWaitMs } = LIMITS;
    this.folding = new SerialQueue(`${options.log} is being folded anew`, foldsWaiting, foldWaitMs);
    this.gathering = new SerialQueue(`a large receipt of ${options.log} is being made`, foldsWaiting, foldWaitMs);
    this.archivedTrees = new ArchivedTreeLoader(options.log);
    this.bundling = new SerialQueue(`entries of ${options.log} are being read`, foldsWaiting, foldWaitMs);
  }

  /** The key name of this log, and the origin of its checkpoints. */
  get origin(): string {
    return `${this.options.origin}/${this.options.log}`;
  }

  get vkey(): string {
    return verifierKey(this.origin, this.options.key);
  }

  start(): void {
    const { log, eventlog, source, warn } = this.options;
    this.follower = followLog({
      log,
      source,
      read: (name, from, limit) => eventlog.read(name, from, limit),
      start: () => this.begin(),
      handle: (batch) => this.integrate(batch),
      gatherMs: GATHER_MS,
      onProblem: (problem) => warn(`following ${log}: ${problem.where} failed (try ${problem.attempt})`, problem.error),
    });
    this.timer = setInterval(() => {
      this.sign().catch((error: unknown) => warn(`no checkpoint of ${log} could be made`, error));
    }, CHECKPOINT_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.follower?.stop();
    await this.signing;
  }

  /** What is wrong with the log, as far as it is folded here: of every log, whoever owns it. */
  get problems(): LogProblem[] {
    const { where, error } = this.follower?.problem ?? {};
    const broken = this.notFolded ?? (where === 'handle' ? error : undefined);
    return problemsOf(this.options.log, this.state, broken);
  }

  get position(): number {
    return this.follower?.position ?? 0;
  }

  /** True once the event at a position is in tree and read models. */
  reached(position: number, timeoutMs = 5_000): Promise<boolean> {
    return this.follower?.caughtUpTo(position, timeoutMs) ?? Promise.resolve(false);
  }

  /** Folds what it stands on at once: it may be asked although nothing new comes. */
  private async begin(): Promise<number> {
    const { log, store, warn } = this.options;
    const position = await store.position(log);
    try {
      if (this.state.next !== position) await this.refold(position);
      this.notFolded = undefined;
    } catch (error) {
      this.notFolded = error;
      warn(`${log} could not be folded; it is tried again with what comes next`, error); // `verify` says what is wrong
    }
    return position;
  }

  /** Tree, read models and position in one transaction: seen together or not at all. */
  private async integrate(batch: Batch): Promise<void> {
    if (this.state.next !== batch.from) await this.refold(batch.from);
    try {
      const { made, frontier } = integrate(this.state, this.frontier, batch.events);
      await this.options.store.write(this.options.log, batch.from, batch.next, made);
      this.frontier = frontier;
    } catch (error) {
      this.state = this.fresh(); // folded further than what is stored: the next try refolds
      this.frontier = [];
      throw error;
    }
  }

  /** The state and the tree's frontier as they were after `to` events. */
  private async refold(to: number): Promise<void> {
    const { log, store, eventlog, warn } = this.options;
    const frontier = frontierOf(to, await store.nodes(log, nodesForRoot(to)));
    this.state = await loadState(log, eventlog, warn, to);
    this.notFolded = undefined;
    this.frontier = frontier;
  }

  private fresh(): LogState {
    const { tenant, n } = parseLogName(this.options.log);
    return emptyState(this.options.log, tenant, n);
  }

  /** Signs the tree as it stands, if it has grown. One at a time: a slower signing never saves its head over a newer one. */
  sign(): Promise<void> {
    if (this.nextSigning) return this.nextSigning;
    const next = this.signing.then(() => {
      this.nextSigning = undefined;
      return this.signOnce();
    });
    this.nextSigning = next;
    this.signing = next.catch(() => undefined);
    return next;
  }

  private async signOnce(): Promise<void> {
    const size = this.position;
    if (size === this.signed || size === 0) return;
    const { log, store, key } = this.options;
    const root = rootHash(size, await store.nodes(log, nodesForRoot(size)));
    const note = signCheckpoint({ origin: this.origin, size: BigInt(size), root }, [makeSigner(this.origin, key)]);
    await store.heads.save(log, { size, root, note }, this.vkey);
    this.keyFrom ??= (await store.heads.keys(log)).find(({ vkey }) => vkey === this.vkey)?.size;
    this.signed = size;
  }

  /** The tlog-proofs of events, all against one checkpoint that covers them; or against the kept one of a size. */
  async proofs(positions: readonly number[], size?: number): Promise<Map<number, string>> {
    const { log, store } = this.options;
    const least = Math.max(...positions) + 1;
    const head = size === undefined ? await this.head(least) : await store.heads.at(log, size);
    if (!head || head.size < least) throw new Error(`position ${least - 1} of ${log} is not in a tree of ${size}`);
    const read = await store.nodes(
      log,
      positions.flatMap((position) => nodesForInclusion(position, head.size)),
    );
    return new Map(
      positions.map((position) => [
        position,
        proofText(position, inclusionProof(position, head.size, read), head.note),
      ]),
    );
  }

  /** A signed head that covers a size; made where there is none. */
  async head(covers: number): Promise<CheckpointRow> {
    if (this.keyFrom === undefined) await this.sign();
    // a proof is for who holds the key of today, whatever key the smallest head was signed with
    const least = Math.max(covers, this.keyFrom ?? 0);
    let checkpoint = await this.covering(least);
    if (!checkpoint) {
      await this.sign();
      checkpoint = await this.covering(least);
    }
    if (!checkpoint) throw new Error(`position ${least - 1} of ${this.options.log} is not in the tree yet`);
    return checkpoint;
  }

  /** The smallest head that covers a size; one that all its witnesses cosigned where there is one, or else any did. */
  private async covering(size: number): Promise<CheckpointRow | undefined> {
    const { log, store, witnesses = 0 } = this.options;
    for (const least of new Set([witnesses, Math.min(witnesses, 1), 0])) {
      const head = await store.heads.covering(log, size, least);
      if (head) return head;
    }
    return undefined;
  }

  /** Everything made again from the raw events, and compared. `state` is the digest of a fold from position 0. */
  async verify(to = this.position): Promise<Verified> {
    const { log, eventlog, store } = this.options;
    await this.reached(Math.max(to, this.state.next) - 1);
    const own = await this.ownDigest();
    return verifyLog({ log, origin: this.origin, vkey: this.vkey, eventlog, store, own }, to);
  }

  /** In steps between which others have their turn; given up where the state changes meanwhile again and again. */
  private async ownDigest(): Promise<{ position: number; digest: string } | undefined> {
    for (let tries = 0; tries < DIGEST_TRIES; tries++) {
      const { state } = this;
      const position = state.next;
      const steps = digestInSteps(state, DIGEST_LINES);
      while (state.next === position) {
        const made = steps.next();
        if (made.done) return { position, digest: made.value };
        await breathe();
      }
    }
    return undefined;
  }
}
