import type { EventWithoutPayload } from '@bailiwick/contracts/events/stored-event';
import type { Buried, WebhookCursor, WebhookTarget } from '@bailiwick/event-store/postgres/webhook-deliveries';
import { CALLBACK_TYPES } from './callback-message';
import { afterAttempt, passed, type Attempt } from './progress';
import type { WebhookMessage } from './signature';

export interface LinePorts {
  /** up to `limit` events of a log from a position on, in order */
  read(log: string, from: number, limit: number): Promise<readonly EventWithoutPayload[]>;
  /** @returns false, without an effect, if the webhook was changed or removed since the target was read */
  save(target: WebhookTarget, log: string, cursor: WebhookCursor, buried?: Buried): Promise<boolean>;
  disable(target: WebhookTarget, reason: string): Promise<void>;
  /** whether the webhook has as many dead letters as it may */
  isFull(tenant: string, name: string): Promise<boolean>;
  /** what an event is sent as; undefined if it is not sent */
  messageOf(target: WebhookTarget, event: EventWithoutPayload): Promise<WebhookMessage | undefined>;
  /** @param signal the attempt is not wanted any more; it is repeated by the line that follows this one */
  attempt(target: WebhookTarget, message: WebhookMessage, signal: AbortSignal): Promise<Attempt>;
  /** ms */
  now(): number;
  random(): number;
}

/** Events of one read. */
const BATCH = 100;
/** Events that are passed unsent before the cursor is saved: after a restart they are read again, and again not sent. */
const UNSAVED = 1_000;

/** Sends the events of one log to one webhook: one at a time, in the order of the log. */
export class WebhookLine {
  private saved: number;
  private running: Promise<void> | undefined;
  private readonly stopping = new AbortController();
  /** what arrived while it ran: it reads once more before it rests */
  private again = false;
  isDisabled = false;

  constructor(
    readonly target: WebhookTarget,
    readonly log: string,
    private cursor: WebhookCursor,
    private readonly ports: LinePorts,
  ) {
    this.saved = cursor.position;
  }

  get position(): number {
    return this.cursor.position;
  }

  /** Sends what is due, until an attempt fails or the log ends. Calls while it runs return its end. */
  run(): Promise<void> {
    this.again = true;
    this.running ??= this.sendAll().finally(() => (this.running = undefined));
    return this.running;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running?.catch(() => undefined);
  }

  private get stopped(): boolean {
    return this.stopping.signal.aborted;
  }

  private get isResting(): boolean {
    const { nextAt } = this.cursor;
    return this.stopped || this.isDisabled || (nextAt !== undefined && nextAt > this.ports.now());
  }

  private async sendAll(): Promise<void> {
    while (this.again && !this.isResting) {
      this.again = false;
      let events: readonly EventWithoutPayload[];
      do {
        events = await this.ports.read(this.log, this.cursor.position, BATCH);
        for (const event of events) if (!this.isResting) await this.pass(event);
      } while (events.length > 0 && !this.isResting);
    }
  }

  private async pass(event: EventWithoutPayload): Promise<void> {
    const { tenant, name, types, callbacks } = this.target;
    const wanted = callbacks ? CALLBACK_TYPES : types;
    const isWanted = wanted?.includes(event.type) ?? true;
    const message = isWanted ? await this.ports.messageOf(this.target, event) : undefined;
    if (!message) {
      this.cursor = passed(this.cursor);
      if (this.cursor.position - this.saved >= UNSAVED) await this.save(this.cursor);
      return;
    }
    const attempt = await this.ports.attempt(this.target, message, this.stopping.signal);
    if (this.stopped && !attempt.delivered) return; // the end of the process ended it
    // A crash right here sends the event again: the cursor is still at it, and the message has the same `webhook-id`, by
    // which the receiver drops it. The other way round, a crash after the save would lose it.
    const step = afterAttempt(this.cursor, event.type, attempt, this.ports.now(), this.ports.random());
    if (!(await this.save(step.cursor, step.buried))) return;
    const reason =
      step.disabled ??
      (step.buried && (await this.ports.isFull(tenant, name)) ? 'it has too many dead letters' : undefined);
    if (reason === undefined) return;
    await this.ports.disable(this.target, reason);
    this.isDisabled = true;
  }

  /**
   * Saves a cursor. If the webhook has changed it is not saved, and the line ends: the one that follows it repeats the event.
   * @throws Error if it is not known to be saved: the event is sent again then, and nothing is passed unrecorded
   */
  private async save(cursor: WebhookCursor, buried?: Buried): Promise<boolean> {
    if (!(await this.ports.save(this.target, this.log, cursor, buried))) {
      this.stopping.abort();
      return false;
    }
    this.cursor = cursor;
    this.saved = cursor.position;
    return true;
  }
}
