import { evolve } from '@bailiwick/authority/events/evolve';
import { emptyState, type LogState } from '@bailiwick/authority/state/state';
import { followLog, type Batch } from '@bailiwick/messaging/log-follower/follow-log';
import { parseLogName } from '@bailiwick/core/ids';
import { entryHash, leafHash } from '@bailiwick/transparency-log/hash';
import { growTree, rootOfFrontier } from '@bailiwick/transparency-log/merkle-tree';
import type { Database } from './database';
import type { Network } from './network';
import { Process } from './process';
import type { FaultRates } from './fault-rates';
import { Violation, type World } from './world';

export interface Head {
  readonly size: number;
  readonly root: Buffer;
}

/** The data that a follower keeps in a separate database; each write is atomic. */
interface Kept {
  position: number;
  readonly bodies: string[];
  frontier: readonly Buffer[];
}

const DOWN_MS = 1_500;

/** A consumer of one log: folds it and extends its tree. It dies and restarts, and must not miss or repeat an event. */
export class Follower {
  readonly kept: Kept = { position: 0, bodies: [], frontier: [] };
  /** every published tree head (I12) */
  readonly heads: Head[] = [];
  process: Process;
  private lives = 0;
  /** in the memory of the process, lost when it dies */
  private state: LogState | undefined;

  constructor(
    private readonly world: World,
    private readonly faultRates: FaultRates,
    private readonly database: Database,
    private readonly network: Network,
    readonly log: string,
    private readonly name: string,
  ) {
    this.process = this.start();
  }

  /** Returns this follower's state; refolds it from the kept events if necessary. */
  get folded(): LogState {
    const { tenant, n } = parseLogName(this.log);
    this.state ??= this.kept.bodies.reduce(
      (state, body) => evolve(state, this.database.parse(body)),
      emptyState(this.log, tenant, n),
    );
    return this.state;
  }

  private start(): Process {
    const { world, log } = this;
    this.lives += 1;
    this.state = undefined;
    const process = new Process(world, this.faultRates, `${this.name}-${this.lives}`);
    process.onDeath(() => {
      world.count('follower died');
      world.after(world.random.between(0, DOWN_MS), () => (this.process = this.start()));
    });
    const store = this.database.connect(process);
    followLog({
      log,
      maxBatch: world.random.between(1, 12),
      gatherMs: world.random.pick([0, 0, 5, 200]),
      source: this.network.sourceFor(process),
      read: (name, from, limit) => store.read(name, from, limit),
      start: () => process.call('start', async () => this.kept.position),
      handle: (batch) => this.handle(process, batch),
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          const wake = process.timer(ms, () => resolve(true));
          const stop = (): void => {
            wake();
            resolve(false);
          };
          if (signal.aborted) stop();
          else signal.addEventListener('abort', stop, { once: true });
        }),
    });
    return process;
  }

  private async handle(process: Process, batch: Batch): Promise<void> {
    const { world, kept } = this;
    if (kept.position !== batch.from) throw new Error(`the stored position is ${kept.position}, not ${batch.from}`);
    const state = this.folded;
    this.state = undefined; // restored after the write is confirmed
    for (const { body } of batch.events) evolve(state, this.database.parse(body));
    const leaves = batch.events.map(({ body }) => leafHash(entryHash(body)));
    const { frontier } = growTree(kept.position, kept.frontier, leaves);
    await process.call('write', async () => {
      if (!world.calm && world.random.chance(this.faultRates.broken)) throw new Error('the database is unavailable');
      if (kept.position !== batch.from) throw new Violation(`${process.name} writes concurrently with another process`);
      kept.bodies.push(...batch.events.map(({ body }) => body));
      Object.assign(kept, { position: batch.next, frontier });
      world.note(`${process.name} has handled ${this.log} up to ${batch.next}`);
      if (world.random.chance(0.07)) this.heads.push({ size: batch.next, root: rootOfFrontier(frontier) });
      if (!world.calm && world.random.chance(this.faultRates.unknown)) {
        world.count('follower lost the reply to its write');
        throw new Error('the connection broke');
      }
    });
    this.state = state;
  }
}
