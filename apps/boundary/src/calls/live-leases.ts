import { z } from 'zod';
import type { LogReport } from '@bailiwick/contracts/enforcement/report';
import { logNameSchema } from '@bailiwick/contracts/primitives';
import type { LiveView } from '@bailiwick/contracts/queries/query';
import { logName, logNumberOf } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import type { OwnerClient } from '@bailiwick/edge/owners/owner-client';
import type { Bus } from '@bailiwick/messaging/connect';
import { EPOCH_ASKED, logOfEventSubject } from '@bailiwick/messaging/subjects';
import { LRUCache } from 'lru-cache';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import { reasonOf, STOPPING, type AbortReason } from './abort-reason';
import { WatchedLog, type Watch } from './watched-log';

const asked = z.strictObject({ log: logNameSchema });

/** A registered call. */
export interface WatchedCall extends Watch {
  /** Why the call must not be made; undefined: nothing known speaks against it. */
  readonly stopped: AbortReason | undefined;
}

interface Reading {
  isUnderWay: boolean;
  /** a commit was announced while it was read */
  isAskedAgain: boolean;
  /** a gateway waits for a report, whether or not anything changes */
  isReportDue: boolean;
  /** the number of questions so far, and the number of the last one whose answer was applied */
  asked: number;
  applied: number;
  /** what was enforced when the listeners were last called */
  shown: string;
}

const newReading = (): Reading => ({
  isUnderWay: false,
  isAskedAgain: false,
  isReportDue: false,
  asked: 0,
  applied: 0,
  shown: '',
});

/**
 * Aborts the calls in flight of leases that are no longer live, and those whose tool or verb was denied. The owners of their logs are asked when a commit is
 * announced, and twice a second, since announcements may be lost. If an owner cannot be reached within the bound, the
 * calls of its log are aborted, since their leases may have ended (I11).
 */
export class LiveLeases {
  /** logs without calls in flight are forgotten first: nothing of them can need an abort */
  private readonly logs = new Map<string, WatchedLog>();
  private readonly idle = new LRUCache<string, WatchedLog>({ max: LIMITS.pointLogs });
  private readonly readings = new WeakMap<WatchedLog, Reading>();
  private readonly stop: () => void;
  private readonly reportTo = new Set<() => void>();
  private isClosed = false;

  constructor(
    private readonly owners: Pick<OwnerClient, 'query'>,
    bus: Pick<Bus, 'listen'>,
    private readonly now: () => number = () => performance.now(),
  ) {
    const timer = setInterval(() => this.look(), BOUNDARY_LIMITS.liveEveryMs);
    timer.unref();
    const stops = [
      bus.listen(EPOCH_ASKED, (raw) => {
        const read = asked.safeParse(raw);
        if (read.success) void this.read(this.logOf(read.data.log), true);
      }),
      bus.listen('bailiwick.event.*.*', (_announced, subject) => {
        const log = this.logs.get(logOfEventSubject(subject) ?? '');
        if (log) void this.read(log);
      }),
    ];
    this.stop = () => {
      clearInterval(timer);
      for (const each of stops) each();
    };
  }

  /** Calls a listener after each change of what is enforced. */
  onChange(listener: () => void): void {
    this.reportTo.add(listener);
  }

  /**
   * Registers a call of a lease before it is decided; the controller is aborted when the lease ends. If it were registered
   * later, a revocation could be reported as enforced while a permit from before it is on its way here. After `close` no
   * call is watched, and each is aborted at once.
   */
  watch(tenant: string, grantId: string, call: AbortController): WatchedCall {
    if (this.isClosed) {
      call.abort(STOPPING);
      return { permitted: () => undefined, end: () => undefined, stopped: STOPPING };
    }
    const log = this.logOf(logName(tenant, logNumberOf(grantId) ?? 0));
    const started = this.now();
    const watch = log.add(grantId, call, started);
    this.idle.delete(log.log);
    this.logs.set(log.log, log);
    return {
      permitted: (actionId) => watch.permitted(actionId),
      end: () => {
        watch.end();
        // a call may end more than once, and its log may have been forgotten and registered again since
        if (!log.isIdle || this.logs.get(log.log) !== log) return;
        this.logs.delete(log.log);
        this.idle.set(log.log, log);
      },
      get stopped() {
        return reasonOf(call.signal);
      },
    };
  }

  /** What is enforced now, the logs with calls in flight first. */
  report(): LogReport[] {
    const now = this.now();
    return [...this.logs.values(), ...this.idle.values()].slice(0, LIMITS.pointLogs).map((log) => log.report(now));
  }

  /** Aborts all calls, now and from now on. */
  close(): void {
    this.isClosed = true;
    this.stop();
    for (const log of this.logs.values()) log.abortAll(STOPPING);
    this.changed();
  }

  /** Aborts what has not been heard of, and asks about all calls in flight. */
  look(): void {
    this.abortUnheard();
    for (const log of this.logs.values()) void this.read(log);
  }

  /** Aborts what has not been heard of for longer than the bound. A process that was stopped does it before anything else. */
  abortUnheard(): void {
    for (const log of this.logs.values()) log.abortUnheard(this.now());
  }

  private logOf(name: string): WatchedLog {
    const known = this.logs.get(name) ?? this.idle.get(name);
    if (known) return known;
    const log = new WatchedLog(name, this.now());
    this.idle.set(name, log);
    return log;
  }

  private async read(log: WatchedLog, isReportDue = false): Promise<void> {
    const reading = this.readings.get(log) ?? newReading();
    this.readings.set(log, reading);
    reading.isReportDue ||= isReportDue;
    reading.isAskedAgain = true;
    if (reading.isUnderWay) return;
    reading.isUnderWay = true;
    try {
      while (reading.isAskedAgain) {
        reading.isAskedAgain = false;
        if (!(await this.readOnce(log, reading))) return;
      }
      // not at once: while new calls arrive all the time, each answer leaves some out
      if (log.isLagging) setTimeout(() => void this.read(log), BOUNDARY_LIMITS.lagMs).unref();
    } finally {
      reading.isUnderWay = false;
    }
  }

  /** @returns false if the owner did not answer in time: the next look asks again, and a late answer counts if it is newer */
  private async readOnce(log: WatchedLog, reading: Reading): Promise<boolean> {
    const number = (reading.asked += 1);
    const askedAt = this.now();
    const grantIds = log.grantIds;
    const answered = this.askOwner(log.log, grantIds).then(
      (view) => {
        if (number < reading.applied) return true; // overtaken by the answer to a later question
        reading.applied = number;
        log.apply(view, grantIds, askedAt);
        this.announce(log, reading);
        return true;
      },
      () => false,
    );
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(resolve, BOUNDARY_LIMITS.liveAnswerMs, false);
    });
    return Promise.race([answered, late]).finally(() => clearTimeout(timer));
  }

  private async askOwner(log: string, grantIds: readonly string[]): Promise<LiveView> {
    const parts = [grantIds.slice(0, LIMITS.liveAtOnce)];
    for (let at = LIMITS.liveAtOnce; at < grantIds.length; at += LIMITS.liveAtOnce)
      parts.push(grantIds.slice(at, at + LIMITS.liveAtOnce));
    const views = await Promise.all(
      parts.map((part) => this.owners.query<LiveView>({ op: 'live', log, grantIds: part })),
    );
    // of several answers, the earliest position holds for all
    return {
      position: Math.min(...views.map(({ position }) => position)),
      ended: views.flatMap(({ ended }) => ended),
      denied: views.flatMap(({ denied }) => {
        // an owner of an earlier version cannot vouch for calls of denied tools, and is not heard (I11)
        if (!Array.isArray(denied)) throw new Error('the owner does not state which calls are denied');
        return denied;
      }),
    };
  }

  /** Calls the listeners if what is enforced has changed since they were last called, or if a gateway asked. */
  private announce(log: WatchedLog, reading: Reading): void {
    const { epoch, hears, aborted } = log.report(this.now());
    const shown = JSON.stringify([epoch, hears, aborted]);
    if (shown === reading.shown && !reading.isReportDue) return;
    reading.shown = shown;
    reading.isReportDue = false;
    this.changed();
  }

  private changed(): void {
    for (const listener of this.reportTo) listener();
  }
}
