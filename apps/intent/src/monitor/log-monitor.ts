import type { Bus } from '@bailiwick/messaging/connect';
import {
  followLog,
  type Batch,
  type FollowedEvent,
  type EventSource,
  type Follower,
} from '@bailiwick/messaging/log-follower/follow-log';
import { driftSubject } from '@bailiwick/messaging/subjects';
import { treeNamed } from '@bailiwick/authority/state/set-aside';
import { readWhereReadable } from '@bailiwick/contracts/payload';
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
  readonly store: ProgressStore;
  readonly warn: (message: string, cause?: unknown) => void;
}

/** Where the following of a log must begin again. */
export interface ProgressStore {
  since(log: string): Promise<number>;
  save(log: string, since: number): Promise<void>;
}

/** how late a score may be told: at most so many messages a second, however many events there are */
const TELL_MS = 100;
/** fewer, larger readings under load; a decision that waits for a score isn't kept waiting */
const GATHER_MS = 100;
const SAVE_MS = 2_000;
const SEND_MS = 5_000;
/** an event that is first read so long after it happened is not news */
const OLD_MS = 60_000;

/**
 * Follows one log and tells its owner how far runs have drifted. What it knows it folds from the log, from the
 * beginning of the oldest tree that is still alive; a crash anywhere costs only that fold.
 */
export class LogMonitor {
  private monitor = new Monitor(0);
  private follower: Follower | undefined;
  private readonly timers: NodeJS.Timeout[] = [];
  private telling: Promise<void> = Promise.resolve();
  private busy = false;
  private saved = 0;
  /** where the log ended when this began to read it: all before it is the past */
  private past = Infinity;

  constructor(private readonly options: LogMonitorOptions) {}

  start(): void {
    const { log, eventlog, source, warn } = this.options;
    this.follower = followLog({
      log,
      source,
      read: (name, from, limit) => eventlog.read(name, from, limit),
      start: () => this.begin(),
      handle: (batch) => this.integrate(batch),
      gatherMs: GATHER_MS,
      onProblem: (problem) => warn(`following ${log}: ${problem.where} failed (try ${problem.attempt})`, problem.error),
    });
    this.timers.push(
      setInterval(() => this.tell(), TELL_MS),
      setInterval(() => void this.save(), SAVE_MS),
    );
  }

  async stop(): Promise<void> {
    this.timers.forEach((timer) => clearInterval(timer));
    await this.follower?.stop();
    await this.telling;
    await this.save();
  }

  get position(): number {
    return this.follower?.position ?? 0;
  }

  /** Scores that are still to be told. */
  get pendingReports(): number {
    return this.monitor.reports().length;
  }

  /**
   * The drift of a call that is about to be decided, with all events before `after` taken into account; undefined
   * where that is not so in time, or nothing is known of the run.
   */
  async score(grantId: string, call: Call, after: number, timeoutMs: number): Promise<Score | undefined> {
    if (after > 0 && !(await this.follower?.caughtUpTo(after - 1, timeoutMs))) return undefined;
    return this.monitor.score(grantId, call);
  }

  private async begin(): Promise<number> {
    const { log, store, eventlog } = this.options;
    const since = await store.since(log);
    this.past = await eventlog.head(log);
    this.saved = Math.max(this.saved, since);
    return since;
  }

  private async integrate(batch: Batch): Promise<void> {
    const [first] = batch.events;
    // what is this old has come all at once, such as by an import: it is the past, as far as the log reaches now
    if (first && Date.now() - Date.parse(first.time) > OLD_MS)
      this.past = Math.max(this.past, await this.options.eventlog.head(this.options.log));
    if (this.monitor.next !== batch.from) this.monitor = new Monitor(batch.from);
    for (const each of batch.events) {
      const read = readWhereReadable(each);
      if (read) this.monitor.see(read.event, read.payload);
      else this.setAside(each);
    }
  }

  /** I11: of a tree whose events cannot all be read nothing can be scored: whatever is of high risk asks a person. */
  private setAside({ position, body }: FollowedEvent): void {
    const { log, warn } = this.options;
    const { tenant } = parseLogName(log);
    this.monitor.pass(treeNamed({ log, tenant }, position, body));
    warn(`the event at position ${position} of ${log} cannot be read; its tree is set aside`);
  }

  /**
   * Sends what is due, one message at a time. Not while it still folds what happened before: what is due then may be
   * in the log already, a few events further on. Dying between the answer and `settled`: the report has the same
   * command id the next time; the owner answers it from the log, or the monitor has found it there by itself.
   */
  private tell(): void {
    if (this.busy || this.monitor.next < this.past) return;
    const due = this.monitor.reports().slice(0, LIMITS.commandsPerMessage);
    if (due.length === 0) return;
    this.busy = true;
    this.telling = this.send(due).finally(() => {
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
    if (!reply.ok) return warn('drift could not be reported; it is tried again', reply.error);
    const read = answersOf.safeParse(reply.value);
    if (!read.success) return warn('the answer to a report of drift cannot be read; it is tried again', read.error);
    due.forEach((report, i) => {
      const answer = read.data.answers[i];
      const again = !answer || (!answer.ok && RETRY.has(answer.refusal?.code ?? ''));
      if (!again) monitor.settled(report, answer.ok);
    });
  }

  private command({ runId, actionId, score }: Report): object {
    const { log } = this.options;
    const of = actionId === undefined ? {} : { actionId };
    const what = { runId, ...of, score: score.score, features: withoutWords(score.features), monitor: MONITOR };
    const quotes = score.features.flatMap((each) => (each.quotes === undefined ? [] : [[each.name, each.quotes]]));
    const commandId = `sys_${canonicalDigest({ log, ...what })
      .replace(/[^0-9A-Za-z]/g, '')
      .slice(-43)}`;
    return { type: 'recordDrift', log, commandId, actor: { kind: 'system', id: 'intent' }, ...what, ...beside(quotes) };
  }

  /** A lower bound is enough: saved late, more is folded again. */
  private async save(): Promise<void> {
    if (this.monitor.next >= this.past) this.monitor.sweep(Date.now());
    const { since } = this.monitor;
    // never back: one that has folded nothing yet knows less than the one before it
    if (since <= this.saved) return;
    try {
      await this.options.store.save(this.options.log, since);
      this.saved = since;
    } catch (error) {
      this.options.warn('the position could not be saved', error);
    }
  }
}

/** What was found, in its own words: beside the event, where it can be erased. */
const beside = (quotes: readonly (readonly string[])[]): object =>
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

/** Refusals that another try may not meet; after any other the run has ended, or the report is of no use. */
const RETRY = new Set(['NOT_READY', 'TOO_MANY', 'INTERNAL']);
