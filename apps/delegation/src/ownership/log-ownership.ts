import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { Answer, Command } from '@bailiwick/contracts/commands/command';
import { monotonicClock, systemClock } from '@bailiwick/core/clock';
import type { EventLog } from '@bailiwick/event-store/port';
import type { Announcement } from '@bailiwick/messaging/commit-message';
import type { Bus } from '@bailiwick/messaging/connect';
import { announceCommit } from '@bailiwick/messaging/commit-notifications';
import type { Serving } from '@bailiwick/messaging/nest-transport/serve';
import { FREED, OWNED } from '@bailiwick/messaging/subjects';
import type { LogProblem } from '@bailiwick/platform/health';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { BUS, EVENT_LOG, LOGGER } from '../connections/tokens';
import { ErasureService } from '../erasure/erasure.service';
import { Announcer } from '../log-owner/batching/announcer';
import { DECISION_RULES } from '../log-owner/decision-rules';
import { LogOwner } from '../log-owner/owner';
import { notReady } from '../log-owner/refusals';
import { Leases } from './leases';
import { LogServer } from './log-server';
import type { OwnedLog } from './owned-log';

interface ServedLog extends OwnedLog {
  readonly servings: readonly Serving[];
  readonly announcer: Announcer;
}

/**
 * Owns the logs whose leases this process holds. Each log has one owner, served on the log's own subjects. All owners
 * subscribe to them, so a stopped owner that has not noticed a takeover does not block responses. A lost lease ends the
 * owner at once; until then, the fence, not the lease, prevents it from writing.
 */
@Injectable()
export class LogOwnership implements OnApplicationBootstrap, BeforeApplicationShutdown {
  /** shows operators which process owns a log; unique across restarts */
  private readonly me = `${hostname()}/${process.pid}/${randomUUID()}`;
  private readonly owned = new Map<string, ServedLog>();
  private readonly leases: Leases;
  private readonly unlisten: (() => void)[] = [];

  constructor(
    @Inject(EVENT_LOG) private readonly eventlog: EventLog,
    @Inject(BUS) private readonly bus: Bus,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly erasure: ErasureService,
    private readonly server: LogServer,
  ) {
    this.leases = new Leases({
      eventlog,
      me: this.me,
      clock: monotonicClock,
      reachable: () => bus.status().state === 'connected',
      begin: (log, epoch) => this.begin(log, epoch),
      end: (log) => this.end(log),
      freed: () => void bus.publish(FREED, {}),
      warn: (message, cause) => logger.warn({ err: cause }, message),
    });
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.eventlog.createLog('default/0');
    this.unlisten.push(
      this.bus.listen(FREED, () => void this.leases.beat()),
      this.bus.onEvent(({ type }) => void (type === 'connected' && this.leases.beat())),
    );
    await this.leases.start();
  }

  /** Finishes all owned logs. Connections close later, in `onApplicationShutdown`. */
  async beforeApplicationShutdown(): Promise<void> {
    for (const unlisten of this.unlisten) unlisten();
    await this.leases.stop();
  }

  /** The next position of each owned log. */
  get heads(): Record<string, number> {
    return Object.fromEntries([...this.owned].map(([log, { owner }]) => [log, owner.position]));
  }

  /** Submits a command of this service itself to a log; a log that this process does not own refuses it. */
  submit(log: string, command: Command): Promise<Answer> {
    return this.owned.get(log)?.owner.submit(command) ?? Promise.resolve(notReady(`${log} has another owner`));
  }

  /** The problems of the owned logs. */
  get problems(): LogProblem[] {
    return [...this.owned.values()].flatMap(({ owner }) => owner.problems());
  }

  /** The number of processes that share the logs. */
  get instances(): number {
    return this.leases.instances;
  }

  /** Reports whether a deadline has passed by the store's clock. */
  isLate(deadline: number): boolean {
    return !(this.leases.storeNow() <= deadline);
  }

  /** Creates a tenant's first log; the process with the fewest logs takes it. */
  async createTenant(tenant: string): Promise<string[]> {
    await this.eventlog.createLog(`${tenant}/0`);
    await this.leases.beat();
    this.bus.publish(FREED, {});
    return this.eventlog.listLogs(tenant);
  }

  private begin(log: string, epoch: number): void {
    const announcer = new Announcer((commit) => this.announce(commit));
    const fence = { owner: this.me, epoch };
    const storeClock = { now: () => this.leases.storeNow() };
    const owner = new LogOwner({
      log,
      eventlog: this.eventlog,
      rules: DECISION_RULES,
      clock: systemClock,
      storeClock,
      publish: (commit) => announcer.announce(commit),
      warn: (message, cause) => this.logger.warn({ err: cause, log }, message),
      fence,
    });
    owner.start();
    const erasing = this.erasure.start(log, owner);
    const target: OwnedLog = { log, owner, erasing, fence, storeClock, since: systemClock.now() };
    const servings = this.server.serve(target, () => this.leases.isOurs(log, epoch));
    this.owned.set(log, { ...target, servings, announcer });
    // sent after the subscriptions on the same connection: a client that retries now reaches this owner
    this.bus.publish(OWNED, { log });
    this.logger.info({ log, epoch }, 'owns the log');
  }

  private announce(commit: Announcement): void {
    const announced = announceCommit(this.bus, commit);
    if (announced.ok) return;
    this.logger.debug(
      { log: commit.log, why: announced.error },
      'a commit was not announced; followers find it when they poll the log',
    );
  }

  private async end(log: string): Promise<void> {
    const owned = this.owned.get(log);
    if (!owned) return;
    this.owned.delete(log);
    await Promise.all(owned.servings.map((serving) => serving.stop()));
    await Promise.all([owned.owner.stop(), owned.erasing.stop()]);
    owned.announcer.stop();
    this.logger.info({ log }, 'released the log');
  }
}
