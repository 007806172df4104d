import { Inject, Injectable, type OnApplicationBootstrap, type BeforeApplicationShutdown } from '@nestjs/common';
import { tenantDefaults } from '#authority/resolve';
import type { Rules } from '#authority/decide/types';
import type { Announcement } from '#bus/cloudevent';
import type { Bus } from '#bus/connect';
import { eventPublisher, type EventPublisher } from '#bus/events';
import type { Serving } from '#bus/serve';
import { commandSubject, driftSubject, querySubject } from '#bus/subjects';
import { commandMessage, type Answer } from '#contracts/command';
import type { EventLog } from '#eventlog/port';
import { systemClock } from '#kernel/clock';
import { LIMITS } from '#kernel/limits';
import { judgeTrajectory } from '#trajectory/rules';
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { LogOwner } from './owner';
import { ask } from './queries';
import { withDrift } from './drift';

export const BUS = Symbol('Bus');
export const EVENT_LOG = Symbol('EventLog');
export const LOGGER = Symbol('Logger');

interface Owned {
  readonly owner: LogOwner;
  readonly epoch: number;
  readonly servings: readonly Serving[];
}

const LEASE_MS = 3_000;
const HEARTBEAT_MS = 800;

/**
 * Owns the logs whose leases it holds: one owner each, served on the log's own subjects. A lease that is lost ends the
 * owner at once; that it could write nothing meanwhile is the fence's doing, not the lease's.
 */
@Injectable()
export class Logs implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly me = `delegation-${randomUUID()}`;
  private readonly owned = new Map<string, Owned>();
  private readonly rules: Rules = { judge: judgeTrajectory, defaults: tenantDefaults };
  private readonly publisher: EventPublisher;
  private timer: NodeJS.Timeout | undefined;
  private beating: Promise<void> = Promise.resolve();

  constructor(
    @Inject(EVENT_LOG) private readonly eventlog: EventLog,
    @Inject(BUS) private readonly bus: Bus,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.publisher = eventPublisher(bus);
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.publisher.ensureStream();
    await this.eventlog.createLog('default/0');
    await this.heartbeat();
    this.timer = setInterval(() => {
      this.beating = this.heartbeat();
    }, HEARTBEAT_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.beating;
    await Promise.all([...this.owned.keys()].map((log) => this.letGo(log)));
  }

  /** Of the logs that are ours, the next position of each. */
  get heads(): Record<string, number> {
    return Object.fromEntries([...this.owned].map(([log, { owner }]) => [log, owner.position]));
  }

  /** Makes a tenant's first log and takes it if nobody else has. */
  async createTenant(tenant: string): Promise<string[]> {
    await this.eventlog.createLog(`${tenant}/0`);
    await this.heartbeat();
    return this.eventlog.listLogs(tenant);
  }

  private async heartbeat(): Promise<void> {
    try {
      for (const log of await this.eventlog.listLogs()) {
        const lease = await this.eventlog.acquireLease(log, this.me, LEASE_MS);
        const owned = this.owned.get(log);
        if (owned && owned.epoch !== lease?.epoch) await this.letGo(log);
        if (lease && !this.owned.has(log)) this.take(log, lease.epoch);
      }
    } catch (error) {
      this.logger.warn({ err: error }, 'the leases could not be renewed');
    }
  }

  private take(log: string, epoch: number): void {
    const owner = new LogOwner({
      log,
      eventlog: this.eventlog,
      rules: this.rules,
      clock: systemClock,
      publish: (commit) => void this.announce(commit),
      warn: (message, cause) => this.logger.warn({ err: cause, log }, message),
      fence: { owner: this.me, epoch },
    });
    owner.start();
    const served = { maxPending: LIMITS.mailboxCommands };
    const servings = [
      this.bus.serve(commandSubject(log), (raw) => this.command(owner, raw, 'edge'), served),
      this.bus.serve(driftSubject(log), (raw) => this.command(owner, raw, 'monitor'), served),
      this.bus.serve(querySubject(log), (raw) => this.query(owner, raw), served),
    ];
    this.owned.set(log, { owner, epoch, servings });
    this.logger.info({ log, epoch }, 'owns the log');
  }

  private async announce(commit: Announcement): Promise<void> {
    const said = await this.publisher.announce(commit);
    if (said.ok) return;
    this.logger.debug({ log: commit.log, why: said.error }, 'a commit was not announced; followers look into the log');
  }

  private async letGo(log: string): Promise<void> {
    const owned = this.owned.get(log);
    if (!owned) return;
    this.owned.delete(log);
    await Promise.all(owned.servings.map((serving) => serving.stop()));
    await owned.owner.stop();
    await this.eventlog.releaseLease(log, this.me).catch(() => undefined);
    this.logger.info({ log }, 'let go of the log');
  }

  /** A dry run is asked about as the call itself would be. */
  private async query(owner: LogOwner, raw: unknown): Promise<Answer> {
    const asked = raw as { op?: unknown; command?: unknown } | null;
    const full =
      asked?.op === 'dryRun' ? { ...asked, command: await withDrift(this.bus, asked.command, owner.position) } : raw;
    return ask(owner, this.eventlog, this.rules, full);
  }

  private async command(owner: LogOwner, raw: unknown, from: keyof typeof TAKES): Promise<{ answers: Answer[] }> {
    const parsed = commandMessage.safeParse(raw);
    if (!parsed.success)
      return { answers: [{ ok: false, refusal: { code: 'BAD_REQUEST', detail: 'want { commands: [ … ] }' } }] };
    const commands = await Promise.all(
      parsed.data.commands.map((command) => withDrift(this.bus, command, owner.position)),
    );
    const submit = async (command: unknown): Promise<Answer> =>
      TAKES[from](typeOf(command)) ? owner.submit(command) : NOT_HERE;
    return { answers: await Promise.all(commands.map(submit)) };
  }
}

/** Who may ask for what, by the subject it came in on: the bus lets each service speak on its own only. */
const TAKES = {
  edge: (type: unknown) => type !== 'recordDrift' && type !== 'tick',
  monitor: (type: unknown) => type === 'recordDrift',
} as const;
const NOT_HERE: Answer = {
  ok: false,
  refusal: { code: 'FORBIDDEN', detail: 'this subject takes no such command' },
};
const typeOf = (command: unknown): unknown => (command as { type?: unknown } | null)?.type;
