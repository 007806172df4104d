import type { Rules } from '@bailiwick/authority/commands/types';
import { tenantDefaults } from '@bailiwick/authority/commands/grants/resolve';
import type { Answer, Command } from '@bailiwick/contracts/command';
import { LIMITS } from '@bailiwick/core/limits';
import { judgeTrajectory } from '@bailiwick/trajectory/rules';
import { Leases } from '../../apps/delegation/src/ownership/leases';
import { LogOwner } from '../../apps/delegation/src/log-owner/owner';
import { takeSnapshot } from '@bailiwick/platform/log-state';
import type { Connection } from './database';
import type { Message, Network, Server } from './network';
import type { Process } from './process';
import type { World } from './world';

const RULES: Rules = { judge: judgeTrajectory, defaults: tenantDefaults };
const SNAPSHOT_LOOK_MS = 1_000;

interface Owned {
  readonly owner: LogOwner;
  readonly epoch: number;
  readonly serving: { stop(): void };
  /** messages that are being answered */
  readonly running: Set<Promise<void>>;
}

/** Sees what an owner answers, at the moment in which the answer leaves. */
export interface Witness {
  speaks(log: string, epoch: number): void;
  /** Has a command been carried out already? */
  knows(log: string, command: Command): boolean;
  /** How many events of a log somebody was told of. */
  toldOf(log: string): number;
  /**
   * @param before what was the case when the command came (`least`: how many events somebody had been told of), and how
   * many events the owner knew when it answered
   */
  answers(log: string, command: Command, answer: Answer, before: { done: boolean; least: number; known: number }): void;
  /** @param least how many events somebody had been told of when it was asked */
  reads(log: string, asOf: number, least: number): void;
}

/**
 * One delegation service: the real owners of the logs whose leases the real leases get it, on a network that loses and
 * repeats. It stands in for the shell around them, and like it says nothing where its lease is over.
 */
export class Instance implements Server {
  private readonly owned = new Map<string, Owned>();
  private readonly leases: Leases;
  private readonly snapshots = new Map<string, number>();
  leaving = false;
  /** it has left, or it is dead */
  gone = false;

  constructor(
    readonly process: Process,
    private readonly database: Connection,
    private readonly network: Network,
    private readonly witness: Witness,
  ) {
    const { world, name } = process;
    process.onDeath(() => {
      this.gone = true;
      for (const { serving } of this.owned.values()) serving.stop();
    });
    this.leases = new Leases({
      eventlog: database,
      me: name,
      clock: { now: () => world.now - process.suspended },
      wall: process.clock,
      timer: process.timer,
      reachable: () => true,
      begin: (log, epoch) => this.begin(log, epoch),
      end: (log) => this.end(log),
      freed: () => undefined, // others learn it by their next heartbeat
      warn: (message) => world.note(`${name} warns: ${message}`),
    });
    process.enter(() => void this.leases.start());
    this.lookForSnapshots();
  }

  private get world(): World {
    return this.process.world;
  }

  /** The owner that may answer for a log by what is known here. */
  ownerOf(log: string): LogOwner | undefined {
    const owned = this.owned.get(log);
    return owned && this.leases.isOurs(log, owned.epoch) === true ? owned.owner : undefined;
  }

  /** Hands everything over in order, and ends. */
  leave(): void {
    this.leaving = true;
    this.process.enter(() => void this.leaveInOrder());
  }

  private async leaveInOrder(): Promise<void> {
    await this.leases.stop();
    this.world.count('left in order');
    this.world.note(`${this.process.name} has left`);
    this.gone = true;
    this.process.alive = false;
  }

  private begin(log: string, epoch: number): void {
    const { process, world, network } = this;
    if (epoch > 1) world.count('takeover');
    world.note(`${process.name} takes ${log} in epoch ${epoch}`);
    const owner = new LogOwner({
      log,
      eventlog: this.database,
      rules: RULES,
      clock: process.clock,
      elapsed: { now: () => world.now },
      storeClock: { now: () => this.leases.storeNow() },
      timer: process.timer,
      publish: (commit) => {
        if (!process.isStruck('before announce')) network.publish(commit);
      },
      warn: (message) => world.note(`${process.name} warns: ${message}`),
      fence: { owner: process.name, epoch },
    });
    owner.start();
    this.owned.set(log, { owner, epoch, serving: network.serve(log, this), running: new Set() });
  }

  private async end(log: string): Promise<void> {
    const owned = this.owned.get(log);
    if (!owned) return;
    this.owned.delete(log);
    owned.serving.stop();
    this.world.note(`${this.process.name} lets go of ${log}`);
    await Promise.all(owned.running);
    await owned.owner.stop();
  }

  receive(log: string, message: Message, reply: (answers: string[]) => void): void {
    const owned = this.owned.get(log);
    if (!owned) return;
    const work = this.answer(log, owned, message, reply).finally(() => owned.running.delete(work));
    owned.running.add(work);
  }

  /** As `serveSubject` does: asked before anything is begun, and once more before anything is said. */
  private async answer(
    log: string,
    { owner, epoch }: Owned,
    message: Message,
    reply: (answers: string[]) => void,
  ): Promise<void> {
    if (!(await this.speaks(log, epoch))) return this.world.count('a stale owner is asked');
    const told =
      'preview' in message ? await this.preview(log, owner, message) : await this.decide(log, owner, message);
    if (!(await this.speaks(log, epoch))) return this.world.count('a stale owner keeps its answer');
    if (!this.process.alive) return;
    this.witness.speaks(log, epoch);
    reply(told());
  }

  private async speaks(log: string, epoch: number): Promise<boolean> {
    const may = this.leases.isOurs(log, epoch);
    if (may !== true) this.world.count('an owner asks whether it still is one');
    return may === true || (await may);
  }

  private async preview(
    log: string,
    owner: LogOwner,
    { preview, least }: Extract<Message, { preview: object }>,
  ): Promise<() => string[]> {
    const view = await owner.preview({ selector: preview }).catch(() => undefined);
    return () => {
      if (!view) return [];
      this.witness.reads(log, view.asOf, least);
      return [JSON.stringify(view)];
    };
  }

  private async decide(
    log: string,
    owner: LogOwner,
    { commands }: Extract<Message, { commands: object }>,
  ): Promise<() => string[]> {
    const told = await Promise.all(
      commands.map(async (command) => {
        const done = this.witness.knows(log, command);
        const least = this.witness.toldOf(log);
        const answer = await owner.submit(command);
        return { command, answer, before: { done, least, known: owner.position } };
      }),
    );
    return () =>
      told.map(({ command, answer, before }) => {
        this.witness.answers(log, command, answer, before);
        return JSON.stringify(answer);
      });
  }

  /** As the thread beside the owners does: folds for itself what has grown. */
  private lookForSnapshots(): void {
    this.process.timer(SNAPSHOT_LOOK_MS, () => {
      void this.takeSnapshots().finally(() => this.lookForSnapshots());
    });
  }

  private async takeSnapshots(): Promise<void> {
    for (const [log, { owner }] of this.owned) {
      if (owner.position - (this.snapshots.get(log) ?? 0) < LIMITS.snapshotEveryEvents) continue;
      const warn = (message: string): void => this.world.note(`${this.process.name} warns: ${message}`);
      await takeSnapshot(log, this.database, warn).then(
        ({ position }) => {
          this.snapshots.set(log, position);
          this.world.count('snapshot');
        },
        () => warn('no snapshot could be taken'),
      );
    }
  }
}
