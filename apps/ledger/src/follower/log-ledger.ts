import type { KeyObject } from 'node:crypto';
import { setImmediate as breathe } from 'node:timers/promises';
import { digestOfLive, type DigestAt } from '@bailiwick/authority/state/digest';
import { emptyState, type LogState } from '@bailiwick/authority/state/state';
import type { Batch, EventSource, Follower } from '@bailiwick/messaging/log-follower/follow-log';
import { followStored } from '@bailiwick/messaging/log-follower/follow-stored';
import type { LogReading } from '@bailiwick/messaging/log-follower/shared-reading';
import { Slices } from '@bailiwick/messaging/log-follower/slices';
import type { EventLog } from '@bailiwick/event-store/port';
import { parseLogName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { problemsOf, type LogProblem } from '@bailiwick/platform/health';
import { loadState } from '@bailiwick/platform/logs/log-state';
import { ArchivedTreeLoader } from '@bailiwick/platform/logs/archived-tree-loader';
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
} from '@bailiwick/transparency-log/merkle-tree';
import { integrateStepwise, type Integrated } from './integrate';
import { Cuts } from '../receipts/parts';
import type { SignedHead } from '../transparency/heads.repository';
import type { LedgerStore } from '../read-models/store';
import { Verifications } from '../verification/verifications';
import { verifyLog, type Verified } from '../verification/verify-log';

export interface LogLedgerOptions {
  readonly log: string;
  readonly origin: string;
  readonly key: KeyObject;
  readonly eventlog: EventLog;
  readonly store: LedgerStore;
  readonly source: EventSource;
  readonly reading?: LogReading | undefined;
  readonly warn: (message: string, cause?: unknown) => void;
  /** receives the events of each batch after they are stored */
  readonly stored?: (events: Batch['events']) => void;
  /** the number of witnesses that cosign its heads */
  readonly witnesses?: number;
}

const CHECKPOINT_MS = 1_000;

/** Follows one log and keeps its tree, its signed heads and its read models. All of it can be rebuilt from the log. */
export class LogLedger {
  state: LogState;
  /** refolds for requests; their cost grows with the log */
  readonly folding: SerialQueue;
  readonly verifications = new Verifications();
  /** trees that the state no longer contains */
  readonly archivedTrees: ArchivedTreeLoader;
  /** reads of whole entry bundles, which need no authorization */
  readonly bundling: SerialQueue;
  /** the parts of receipts that are too large for one message, with the events of each part */
  readonly inParts = new Cuts();
  /** reads of all events of a receipt that is too large for one message */
  readonly gathering: SerialQueue;
  /** of the tree of `state.next` leaves; sufficient to append */
  private frontier: readonly Buffer[] = [];
  private follower: Follower | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** why the last attempt to fold the log failed */
  private notFolded: unknown;
  private signed = -1;
  /** the size of the first tree that this key signed; undefined until the first signature after the start */
  private keyFrom: number | undefined;
  /** the current signing, and the next one, which all callers share that arrive during the current one */
  private signing: Promise<void> = Promise.resolve();
  private nextSigning: Promise<void> | undefined;
  /** digests of the state that are being computed */
  private digesting = 0;

  constructor(private readonly options: LogLedgerOptions) {
    this.state = this.fresh();
    const { foldsWaiting, foldWaitMs } = LIMITS;
    this.folding = new SerialQueue(`${options.log} is being refolded`, foldsWaiting, foldWaitMs);
    this.gathering = new SerialQueue(`a large receipt of ${options.log} is being made`, foldsWaiting, foldWaitMs);
    this.archivedTrees = new ArchivedTreeLoader(options.log);
    this.bundling = new SerialQueue(`entries of ${options.log} are being read`, foldsWaiting, foldWaitMs);
  }

  /** Returns the key name of this log, which is also the origin of its checkpoints. */
  get origin(): string {
    return `${this.options.origin}/${this.options.log}`;
  }

  get vkey(): string {
    return verifierKey(this.origin, this.options.key);
  }

  start(): void {
    const { log, warn } = this.options;
    this.follower = followStored(this.options, {
      start: () => this.begin(),
      handle: (batch) => this.integrate(batch),
    });
    this.timer = setInterval(() => {
      this.sign().catch((error: unknown) => warn(`no checkpoint of ${log} could be signed`, error));
    }, CHECKPOINT_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.follower?.stop();
    await this.signing;
  }

  /** Returns the problems of the log as far as it is folded here, whichever owner it has. */
  get problems(): LogProblem[] {
    const { where, error } = this.follower?.problem ?? {};
    const broken = this.notFolded ?? (where === 'handle' ? error : undefined);
    return problemsOf(this.options.log, this.state, broken);
  }

  get position(): number {
    return this.follower?.position ?? 0;
  }

  /** Resolves to true once the tree and the read models contain the event at a position. */
  reached(position: number, timeoutMs: number = LIMITS.catchUpMs): Promise<boolean> {
    return this.follower?.caughtUpTo(position, timeoutMs) ?? Promise.resolve(false);
  }

  /** Folds up to the stored position at once: requests may arrive although no new event does. */
  private async begin(): Promise<number> {
    const { log, store, warn } = this.options;
    const position = await store.position(log);
    try {
      if (this.state.next !== position) await this.refold(position);
      this.notFolded = undefined;
    } catch (error) {
      this.notFolded = error;
      warn(`${log} could not be folded; the next events retry it`, error); // `verify` reports the reason
    }
    return position;
  }

  /** Writes tree, read models and position in one transaction, so that readers see all of them or none. */
  private async integrate(batch: Batch): Promise<void> {
    if (this.state.next !== batch.from) await this.refold(batch.from);
    try {
      const { made, frontier } = await this.derive(batch);
      await this.options.store.write(this.options.log, batch.from, batch.next, made);
      this.frontier = frontier;
    } catch (error) {
      this.state = this.fresh(); // it is ahead of the stored position: the next attempt refolds
      this.frontier = [];
      throw error;
    }
    // A crash right here loses nothing: the event stream continues from its own last event.
    this.options.stored?.(batch.events);
  }

  private async derive(batch: Batch): Promise<Integrated> {
    const { events } = batch;
    const steps = integrateStepwise(this.state, this.frontier, events);
    // during a digest at once: each slice would change the state between two steps of the digest, and start it again
    const slices = new Slices({ events, isAwaited: () => batch.isAwaited() || this.digesting > 0 });
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
      const pause = slices.pause();
      if (pause) await pause;
    }
  }

  /** Restores the state and the frontier of the tree after `to` events. */
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

  /** Signs the current tree if it has grown. One signing at a time, so that a slow one never replaces a newer head. */
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

  /** Returns the tlog-proofs of events against one checkpoint that covers them, or against the stored one of a size. */
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

  /** Returns a signed head that covers a size; signs one if none is stored. */
  async head(covers: number): Promise<SignedHead> {
    if (this.keyFrom === undefined) await this.sign();
    // verifiers of a proof have the current key; a smaller head may be signed with an earlier one
    const least = Math.max(covers, this.keyFrom ?? 0);
    let checkpoint = await this.covering(least);
    if (!checkpoint) {
      await this.sign();
      checkpoint = await this.covering(least);
    }
    if (!checkpoint) throw new Error(`position ${least - 1} of ${this.options.log} is not in the tree yet`);
    return checkpoint;
  }

  /** Returns the smallest head that covers a size, preferably cosigned by all witnesses, or else by any of them. */
  private async covering(size: number): Promise<SignedHead | undefined> {
    const { log, store, witnesses = 0 } = this.options;
    for (const least of new Set([witnesses, Math.min(witnesses, 1), 0])) {
      const head = await store.heads.covering(log, size, least);
      if (head) return head;
    }
    return undefined;
  }

  /** Recomputes everything from the raw events and compares it. `state` is the digest of a fold from position 0. */
  async verify(to = this.position): Promise<Verified> {
    const { log, eventlog, store } = this.options;
    await this.reached(Math.max(to, this.state.next) - 1);
    const own = await this.ownDigest();
    return verifyLog({ log, origin: this.origin, vkey: this.vkey, eventlog, store, own }, to);
  }

  /** Returns the digest of the folded state once its events are stored, too; undefined if it changes too fast. */
  private async ownDigest(): Promise<DigestAt | undefined> {
    this.digesting += 1;
    try {
      const own = await digestOfLive(async (step) => {
        await breathe();
        return step(this.state);
      });
      if (own) await this.reached(own.position - 1); // the state is ahead while a batch is being written
      return own;
    } finally {
      this.digesting -= 1;
    }
  }
}
