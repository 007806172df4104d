import type { Bus } from '@bailiwick/messaging/connect';
import type { Batch, EventSource, Follower } from '@bailiwick/messaging/log-follower/follow-log';
import { followStored } from '@bailiwick/messaging/log-follower/follow-stored';
import type { LogReading } from '@bailiwick/messaging/log-follower/shared-reading';
import { Slices } from '@bailiwick/messaging/log-follower/slices';
import { driftSubject } from '@bailiwick/messaging/subjects';
import { treeNamed } from '@bailiwick/authority/state/set-aside';
import { readWhereReadable } from '@bailiwick/contracts/events/payload';
import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import { systemClock } from '@bailiwick/core/clock';
import { parseLogName } from '@bailiwick/core/ids';
import type { EventLog } from '@bailiwick/event-store/port';
import type { Call } from '@bailiwick/drift/memory';
import { MONITOR, withoutWords, type Score } from '@bailiwick/drift/score';
import { canonicalDigest } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { Monitor, type Report } from './monitor';

export interface LogMonitorOptions {
  readonly log: string;
  readonly bus: Bus;
  readonly eventlog: EventLog;
  readonly source: EventSource;
  readonly reading?: LogReading | undefined;
  readonly store: ProgressStore;
  readonly warn: (message: string, cause?: unknown) => void;
}

/** Stores the position from which to follow each log after a restart. */
export interface ProgressStore {
  since(log: string): Promise<number>;
  save(log: string, since: number): Promise<void>;
}

/** Interval of reports; limits the number of messages per second regardless of the number of events. */
const REPORT_MS = 100;
const SAVE_MS = 2_000;
const SEND_MS = 5_000;
/** An event older than this when it is first read belongs to the past. */
const OLD_MS = 60_000;

/**
 * Follows one log and reports the drift of its runs to the owner of the log. Its state is a fold from the first event
 * of the oldest live tree; a crash at any point costs only that fold.
 */
export class LogMonitor {
  private monitor = new Monitor(0);
  private follower: Follower | undefined;
  private readonly timers: NodeJS.Timeout[] = [];
  private sending: Promise<void> = Promise.resolve();
  private busy = false;
  private saved = 0;
  /** end of the log when this monitor started to read it; all events before it belong to the past */
  private past = Infinity;

  constructor(private readonly options: LogMonitorOptions) {}

  start(): void {
    this.follower = followStored(this.options, {
      start: () => this.loadPosition(),
      handle: (batch) => this.integrate(batch),
    });
    this.timers.push(
      setInterval(() => this.report(), REPORT_MS),
      setInterval(() => void this.save(), SAVE_MS),
    );
  }

  async stop(): Promise<void> {
    this.timers.forEach((timer) => clearInterval(timer));
    await this.follower?.stop();
    await this.sending;
    await this.save();
  }

  get position(): number {
    return this.follower?.position ?? 0;
  }

  /** Number of reports that the log does not hold yet. */
  get pendingReports(): number {
    return this.monitor.reports().length;
  }

  /**
   * Returns the drift of a call before its decision, based on all events before `after`; undefined if the monitor does
   * not read those in time, or does not know the run.
   */
  async score(grantId: string, call: Call, after: number, timeoutMs: number): Promise<Score | undefined> {
    if (after > 0 && !(await this.follower?.caughtUpTo(after - 1, timeoutMs))) return undefined;
    return this.monitor.score(grantId, call);
  }

  private async loadPosition(): Promise<number> {
    const { log, store, eventlog } = this.options;
    const since = await store.since(log);
    this.past = await eventlog.head(log);
    this.saved = Math.max(this.saved, since);
    return since;
  }

  private async integrate(batch: Batch): Promise<void> {
    const [first] = batch.events;
    // events this old arrive in bulk, such as by an import: everything up to the present end of the log is past
    if (first && systemClock.now() - Date.parse(first.time) > OLD_MS)
      this.past = Math.max(this.past, await this.options.eventlog.head(this.options.log));
    if (this.monitor.next !== batch.from) this.monitor = new Monitor(batch.from);
    const slices = new Slices(batch);
    for (const each of batch.events) {
      const pause = slices.pause();
      if (pause) await pause;
      const read = readWhereReadable(each);
      if (read) this.monitor.see(read.event, read.payload);
      else this.setAside(each);
    }
  }

  /** Stops scoring a tree with an unreadable event; its high-risk actions then require an approval (I11). */
  private setAside({ position, body }: StoredEvent): void {
    const { log, warn } = this.options;
    const { tenant } = parseLogName(log);
    this.monitor.pass(treeNamed({ log, tenant }, position, body));
    warn(`the event at position ${position} of ${log} cannot be read; its tree is set aside`);
  }

  /**
   * Sends the pending reports, one message at a time. Sends none while it still folds the past, because the log may
   * already hold them a few events further on. After a crash between the response and `settled`, the report has the same
   * command ID: the owner responds from the log, or the monitor has read the event itself.
   */
  private report(): void {
    if (this.busy || this.monitor.next < this.past) return;
    const due = this.monitor.reports().slice(0, LIMITS.commandsPerMessage);
    if (due.length === 0) return;
    this.busy = true;
    this.sending = this.send(due).finally(() => {
      this.busy = false;
    });
  }

  private async send(due: readonly Report[]): Promise<void> {
    const { log, bus, warn } = this.options;
    const monitor = this.monitor;
    const reply = await bus.request(
      driftSubject(log),
      { commands: due.map((report) => this.command(report)) },
      SEND_MS,
    );
    if (!reply.ok) return warn('reporting drift failed; retrying', reply.error);
    const read = answersOf.safeParse(reply.value);
    if (!read.success) return warn('the response to a drift report cannot be read; retrying', read.error);
    due.forEach((report, i) => {
      const answer = read.data.answers[i];
      const retry = !answer || (!answer.ok && RETRY.has(answer.refusal?.code ?? ''));
      if (!retry) monitor.settled(report, answer.ok);
    });
  }

  private command({ runId, actionId, score }: Report): object {
    const { log } = this.options;
    const of = actionId === undefined ? {} : { actionId };
    const drift = { runId, ...of, score: score.score, features: withoutWords(score.features), monitor: MONITOR };
    const quotes = score.features.flatMap((each) => (each.quotes === undefined ? [] : [[each.name, each.quotes]]));
    const commandId = `sys_${canonicalDigest({ log, ...drift })
      .replace(/[^0-9A-Za-z]/g, '')
      .slice(-43)}`;
    return {
      type: 'recordDrift',
      log,
      commandId,
      actor: { kind: 'system', id: 'intent' },
      ...drift,
      ...payloadOf(quotes),
    };
  }

  /** Saves the start position. A lower bound is enough: it only lengthens the next fold. */
  private async save(): Promise<void> {
    if (this.monitor.next >= this.past) this.monitor.sweep(systemClock.now());
    const { since } = this.monitor;
    // never moves back: a monitor that has not folded yet knows less than its predecessor
    if (since <= this.saved) return;
    try {
      await this.options.store.save(this.options.log, since);
      this.saved = since;
    } catch (error) {
      this.options.warn('saving the position failed', error);
    }
  }
}

/** Puts quotes into the payload, which is stored separately from the event and can be erased. */
const payloadOf = (quotes: readonly (readonly string[])[]): object =>
  quotes.length === 0
    ? {}
    : {
        payload: {
          salt: randomBytes(16).toString('base64url'),
          value: { features: Object.fromEntries(quotes) as object },
        },
      };

const answersOf = z.object({
  answers: z.array(z.object({ ok: z.boolean(), refusal: z.object({ code: z.string() }).optional() })),
});

/** Refusals to retry. After any other refusal the run has ended or the report is useless. */
const RETRY = new Set(['NOT_READY', 'TOO_MANY', 'INTERNAL']);
