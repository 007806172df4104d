import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { systemClock } from '@bailiwick/core/clock';
import { parseLogName } from '@bailiwick/core/ids';
import type { EventLog } from '@bailiwick/event-store/port';
import type { WebhookDeliveries, WebhookTarget } from '@bailiwick/event-store/postgres/webhook-deliveries';
import type { EventSource } from '@bailiwick/messaging/log-follower/follow-log';
import { EVENT_LOG, EVENT_SOURCE, WARN, WEBHOOK_DELIVERIES, type Warn } from '../connections/tokens';
import { WebhookLine } from './line';
import { Slots } from './slots';
import { WebhookAttempts } from './webhook-attempts';
import { WebhookMessages } from './webhook-messages';

type Deliveries = Pick<
  WebhookDeliveries,
  'hold' | 'release' | 'version' | 'targets' | 'cursor' | 'save' | 'disable' | 'isFull'
>;

/** How often changes of webhooks, and attempts that are due, are looked for. */
const TICK_MS = 1_000;
/** Concurrent reads of logs, of all webhooks. */
const READS = 2;
/** How often the ends of the logs are read, in case that an announcement was lost. */
const HEADS_MS = 5_000;

/**
 * Sends the events of every log to the webhooks of its tenant. One process of an installation sends; the others wait for
 * it to end. Everything that counts is in the database: after a crash anywhere the next process continues at the stored
 * cursors, and sends again what was sent and not recorded.
 *
 * It reads events from the log after they are committed, as subscribers do; nothing waits for it.
 */
@Injectable()
export class WebhookSender implements OnModuleInit, OnApplicationShutdown {
  /** log → the lines of its tenant's webhooks */
  private readonly lines = new Map<string, WebhookLine[]>();
  private readonly subscriptions = new Map<string, { stop(): Promise<void> }>();
  /** the ledger reads over the same few connections */
  private readonly reads = new Slots(READS, 1);
  private targets: WebhookTarget[] = [];
  private version: string | undefined;
  private heads: Record<string, number> = {};
  private headsAt = -Infinity;
  private timer: NodeJS.Timeout | undefined;
  private ticking: Promise<void> | undefined;
  private stopped = false;
  private isFailing = false;

  constructor(
    @Inject(WEBHOOK_DELIVERIES) private readonly deliveries: Deliveries,
    @Inject(EVENT_LOG) private readonly eventlog: Pick<EventLog, 'read' | 'heads'>,
    @Inject(EVENT_SOURCE) private readonly source: EventSource,
    private readonly attempts: WebhookAttempts,
    private readonly messages: WebhookMessages,
    @Inject(WARN) private readonly warn: Warn,
  ) {}

  onModuleInit(): void {
    this.tickLater();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.ticking;
    await this.dropLines();
  }

  private tickLater(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.ticking = this.tick().finally(() => this.tickLater());
    }, TICK_MS);
  }

  private async tick(): Promise<void> {
    try {
      if (!(await this.deliveries.hold())) return await this.dropLines();
      await this.readTargets();
      if (this.targets.length > 0) await this.makeLines();
      for (const [log, lines] of this.lines)
        for (const line of lines) if (line.position < (this.heads[log] ?? 0)) this.start(line);
      this.isFailing = false;
    } catch (error) {
      if (!this.isFailing) this.warn('webhooks cannot be sent; retrying', error);
      this.isFailing = true;
      await this.dropLines();
      await this.deliveries.release(); // what fails here, as without the key of the secrets, may work in another process
    }
  }

  /** Reads the webhooks again if one of them has changed: its lines start again from their stored cursors. */
  private async readTargets(): Promise<void> {
    const version = await this.deliveries.version();
    if (version === this.version) return;
    const targets = await this.deliveries.targets();
    if (targets.length > 0) this.attempts.secrets.key(); // without the key nothing is sent, rather than failed
    const versions = new Map(targets.map((each) => [`${each.tenant} ${each.name}`, each.version]));
    const stays = ({ target }: WebhookLine): boolean =>
      versions.get(`${target.tenant} ${target.name}`) === target.version;
    const ending = [...this.lines.values()].flat().filter((line) => !stays(line));
    await Promise.all(ending.map((line) => line.stop())); // before its successor reads the cursor
    for (const [log, lines] of this.lines) this.lines.set(log, lines.filter(stays));
    this.targets = targets;
    this.version = version;
    this.headsAt = -Infinity;
  }

  private async makeLines(): Promise<void> {
    if (performance.now() - this.headsAt < HEADS_MS) return;
    this.heads = await this.eventlog.heads();
    this.headsAt = performance.now();
    for (const target of this.targets)
      for (const log of Object.keys(this.heads).filter((each) => each.startsWith(`${target.tenant}/`))) {
        const lines = this.lines.get(log) ?? [];
        if (lines.some((line) => line.target.name === target.name)) continue;
        const cursor = await this.deliveries.cursor(target.tenant, target.name, log);
        lines.push(new WebhookLine(target, log, cursor, this.portsOf()));
        this.lines.set(log, lines);
        this.subscribe(log);
      }
  }

  private subscribe(log: string): void {
    if (this.subscriptions.has(log)) return;
    const started = (): void => (this.lines.get(log) ?? []).forEach((line) => this.start(line));
    const head = (next: number): void => {
      this.heads[log] = Math.max(this.heads[log] ?? 0, next);
      started();
    };
    this.subscriptions.set(log, this.source.subscribe(log, { head, gap: started }));
  }

  private start(line: WebhookLine): void {
    if (this.stopped) return;
    line.run().catch((error: unknown) => {
      if (!this.isFailing) this.warn(`a webhook of ${line.log} could not be sent; retrying`, error);
      this.isFailing = true;
    });
  }

  private async dropLines(): Promise<void> {
    const lines = [...this.lines.values()].flat();
    const subscriptions = [...this.subscriptions.values()];
    this.lines.clear();
    this.subscriptions.clear();
    this.targets = [];
    this.version = undefined;
    await Promise.all([...lines.map((line) => line.stop()), ...subscriptions.map((each) => each.stop())]);
  }

  private portsOf(): ConstructorParameters<typeof WebhookLine>[3] {
    const { deliveries, eventlog, attempts, messages } = this;
    return {
      read: (log, from, limit) => this.reads.run(parseLogName(log).tenant, () => eventlog.read(log, from, limit)),
      save: (...saved) => deliveries.save(...saved),
      disable: (...disabled) => deliveries.disable(...disabled),
      isFull: (...named) => deliveries.isFull(...named),
      messagesOf: (target, event) => messages.next(target, event),
      attempt: (...asked) => attempts.attempt(...asked),
      now: () => systemClock.now(),
      random: () => Math.random(),
    };
  }
}
