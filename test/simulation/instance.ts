import type { Rules } from '@bailiwick/authority/commands/types';
import { tenantDefaults } from '@bailiwick/authority/commands/grants/resolve';
import type { Answer, Command } from '@bailiwick/contracts/commands/command';
import { LIMITS } from '@bailiwick/core/limits';
import { judgeConditions } from '@bailiwick/policy/conditions/judge-conditions';
import { DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import { Leases } from '../../apps/delegation/src/ownership/leases';
import { LogOwner } from '../../apps/delegation/src/log-owner/owner';
import { takeSnapshot } from '@bailiwick/platform/logs/log-state';
import type { Connection } from './database';
import type { Message, Network, Server } from './network';
import type { Process } from './process';
import type { World } from './world';

const RULES: Rules = { judge: judgeTrajectory, judgeConditions, catalog: DEFAULT_CATALOG, defaults: tenantDefaults };
const SNAPSHOT_INTERVAL_MS = 1_000;

interface Owned {
  readonly owner: LogOwner;
  readonly epoch: number;
  readonly serving: { stop(): void };
  /** messages in progress */
  readonly running: Set<Promise<void>>;
}

/** Observes every answer of an owner at the moment it leaves. */
export interface Witness {
  checkOwner(log: string, epoch: number): void;
  /** Reports whether a command has already been executed. */
  isExecuted(log: string, command: Command): boolean;
  /** Returns the number of events of a log that are known to clients. */
  acknowledgedIn(log: string): number;
  /**
   * @param before the state when the command arrived (`done`: whether it had been executed, `least`: the number of events
   * known to clients) and the number of events that the owner knew when it answered (`known`)
   */
  checkAnswer(
    log: string,
    command: Command,
    answer: Answer,
    before: { done: boolean; least: number; known: number },
  ): void;
  /** @param least the number of events known to clients when the request was sent */
  checkRead(log: string, asOf: number, least: number): void;
}

/**
 * One delegation service: the production lease handling and log owners, on a network that loses and repeats messages.
 * It replaces the service's request handling and, like it, sends no reply after its lease has ended.
 */
export class Instance implements Server {
  private readonly owned = new Map<string, Owned>();
  private readonly leases: Leases;
  private readonly snapshots = new Map<string, number>();
  leaving = false;
  /** it has left or died */
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
      freed: () => undefined, // other instances notice at their next heartbeat
      warn: (message) => world.note(`${name} warns: ${message}`),
    });
    process.enter(() => void this.leases.start());
    this.scheduleSnapshots();
  }

  private get world(): World {
    return this.process.world;
  }

  /** Returns the owner of a log if this instance knows that its lease is valid. */
  ownerOf(log: string): LogOwner | undefined {
    const owned = this.owned.get(log);
    return owned && this.leases.isOurs(log, owned.epoch) === true ? owned.owner : undefined;
  }

  /** Hands all logs over in order, then ends. */
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
        if (!process.diesHere('before announce')) network.publish(commit);
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
    this.world.note(`${this.process.name} releases ${log}`);
    await Promise.all(owned.running);
    await owned.owner.stop();
  }

  receive(log: string, message: Message, reply: (answers: string[]) => void): void {
    const owned = this.owned.get(log);
    if (!owned) return;
    const work = this.answer(log, owned, message, reply).finally(() => owned.running.delete(work));
    owned.running.add(work);
  }

  /** Checks the lease before the work starts and again before the reply, as `serveSubject` does. */
  private async answer(
    log: string,
    { owner, epoch }: Owned,
    message: Message,
    reply: (answers: string[]) => void,
  ): Promise<void> {
    if (!(await this.mayAnswer(log, epoch))) return this.world.count('a stale owner gets a request');
    const replies =
      'preview' in message ? await this.preview(log, owner, message) : await this.decide(log, owner, message);
    if (!(await this.mayAnswer(log, epoch))) return this.world.count('a stale owner withholds its answer');
    if (!this.process.alive) return;
    this.witness.checkOwner(log, epoch);
    reply(replies());
  }

  private async mayAnswer(log: string, epoch: number): Promise<boolean> {
    const isOurs = this.leases.isOurs(log, epoch);
    if (isOurs !== true) this.world.count('an owner checks its lease');
    return isOurs === true || (await isOurs);
  }

  private async preview(
    log: string,
    owner: LogOwner,
    { preview, least }: Extract<Message, { preview: object }>,
  ): Promise<() => string[]> {
    const view = await owner.preview({ selector: preview }).catch(() => undefined);
    return () => {
      if (!view) return [];
      this.witness.checkRead(log, view.asOf, least);
      return [JSON.stringify(view)];
    };
  }

  private async decide(
    log: string,
    owner: LogOwner,
    { commands }: Extract<Message, { commands: object }>,
  ): Promise<() => string[]> {
    const answered = await Promise.all(
      commands.map(async (command) => {
        const done = this.witness.isExecuted(log, command);
        const least = this.witness.acknowledgedIn(log);
        const answer = await owner.submit(command);
        return { command, answer, before: { done, least, known: owner.position } };
      }),
    );
    return () =>
      answered.map(({ command, answer, before }) => {
        this.witness.checkAnswer(log, command, answer, before);
        return JSON.stringify(answer);
      });
  }

  /** Takes snapshots of logs that have grown, as the service's snapshot thread does. */
  private scheduleSnapshots(): void {
    this.process.timer(SNAPSHOT_INTERVAL_MS, () => {
      void this.takeSnapshots().finally(() => this.scheduleSnapshots());
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
        () => warn('taking a snapshot failed'),
      );
    }
  }
}
