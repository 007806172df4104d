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
  /** what an event is sent as, several messages perhaps; none if it is not sent */
  messagesOf(target: WebhookTarget, event: EventWithoutPayload): Promise<readonly WebhookMessage[]>;
  /** @param signal the attempt is not wanted any more; it is repeated by the line that follows this one */
  attempt(target: WebhookTarget, message: WebhookMessage, signal: AbortSignal): Promise<Attempt>;
  /** ms */
  now(): number;
  random(): number;
}

/** Events of one read, while none was sent of the last one, and else: each line that waits for an attempt holds them. */
const BATCH = 100;
const SENT_BATCH = 10;
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
  /** what was delivered of the messages of one event, so that a failed one is not followed by all of them again */
  private sent = { position: -1, ids: new Set<string>() };

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
      let isSending = true;
      do {
        events = await this.ports.read(this.log, this.cursor.position, isSending ? SENT_BATCH : BATCH);
        isSending = false;
        for (const event of events) if (!this.isResting) isSending = (await this.pass(event)) || isSending;
      } while (events.length > 0 && !this.isResting);
    }
  }

  /** @returns whether it was to be sent */
  private async pass(event: EventWithoutPayload): Promise<boolean> {
    const { types, callbacks } = this.target;
    const wanted = callbacks ? CALLBACK_TYPES : types;
    const isWanted = wanted?.includes(event.type) ?? true;
    const messages = isWanted ? await this.ports.messagesOf(this.target, event) : [];
    if (messages.length === 0) {
      this.cursor = passed(this.cursor);
      if (this.cursor.position - this.saved >= UNSAVED) await this.save(this.cursor);
      return false;
    }
    await this.send(event, messages);
    return true;
  }

  private async send(event: EventWithoutPayload, messages: readonly WebhookMessage[]): Promise<void> {
    const { tenant, name } = this.target;
    const attempt = await this.attemptAll(event.position, messages);
    if (!attempt) return; // the end of the process ended it
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

  /** Sends what was not delivered of the messages of an event, until one fails. @returns undefined if it was stopped */
  private async attemptAll(position: number, messages: readonly WebhookMessage[]): Promise<Attempt | undefined> {
    if (this.sent.position !== position) this.sent = { position, ids: new Set() };
    let attempt: Attempt | undefined;
    for (const message of messages) {
      if (this.sent.ids.has(message.id)) continue;
      if (attempt && this.stopped) return undefined;
      attempt = await this.ports.attempt(this.target, message, this.stopping.signal);
      if (!attempt.delivered) return this.stopped ? undefined : attempt;
      this.sent.ids.add(message.id);
    }
    return attempt ?? { delivered: true, status: 200 }; // all were delivered, and not recorded
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
