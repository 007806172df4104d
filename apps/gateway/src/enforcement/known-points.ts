import type { LogReport, PointReport } from '@bailiwick/contracts/enforcement/report';
import type { PointView } from '@bailiwick/contracts/enforcement/points';
import { rfc3339 } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { readReport } from '@bailiwick/edge/point-reports';
import { LRUCache } from 'lru-cache';

interface Reached {
  readonly epoch: number;
  /** ms since 1970 */
  readonly at: number;
}
interface KnownPoint {
  report: PointReport & { readonly name: string };
  /** monotonic, ms */
  heardAt: number;
  /** log → the changes of its epoch, oldest first */
  readonly reached: Map<string, Reached[]>;
}

/** What to show of points. */
export interface Asked {
  readonly log: string;
  readonly position: number;
  /** whose aborted calls are counted; `any`: those of all since the point started; left out: none */
  readonly aborted?: string | undefined;
}

/** The clocks of a gateway. */
export interface Clocks {
  readonly wall: () => number;
  readonly monotonic: () => number;
}

/**
 * The boundary processes that have reported to this gateway. A report is about its own signer alone, and the newest one
 * counts. What cannot be known is shown as less certain: a point that is silent without having stopped does not confirm. It
 * makes no call before it hears the log again, so that it is gone once its last calls must have ended, as after a crash.
 */
export class KnownPoints {
  private readonly points = new Map<string, KnownPoint>();
  /** name → number of the last report of a point that is no longer listed: none up to it is taken again */
  private readonly former = new LRUCache<string, number>({ max: LIMITS.formerPoints });
  /** name → when it last reported, monotonic, ms; of points that there is no place for, oldest report first */
  private readonly without = new Map<string, number>();

  constructor(private readonly clocks: Clocks) {}

  /** Takes a message of a point, which is unchecked input. @returns whether it is newer than what is known */
  take(raw: unknown): boolean {
    const report = readReport(raw);
    if (!report) return false;
    const known = this.points.get(report.name);
    const last = known?.report.sequence ?? this.former.get(report.name) ?? -1;
    if (report.sequence <= last) return false; // repeated, or overtaken
    this.without.delete(report.name);
    if (report.stopping) return this.remove(report);
    if (!known && !this.hasRoom()) return this.leaveOut(report.name);
    const point = known ?? { report, heardAt: 0, reached: new Map<string, Reached[]>() };
    point.report = report;
    point.heardAt = this.clocks.monotonic();
    this.points.set(report.name, point);
    for (const log of [...point.reached.keys()])
      if (!report.logs.some((each) => each.log === log)) point.reached.delete(log);
    for (const each of report.logs) this.reach(point.reached, each);
    return true;
  }

  /** Names points that report and are not listed, since there are too many. */
  get leftOut(): string[] {
    const now = this.clocks.monotonic();
    for (const [name, heardAt] of this.without) if (now - heardAt > LIMITS.pointKeptMs) this.without.delete(name);
    return [...this.without.keys()];
  }

  /** Shows the points, by name. One that stops has aborted its calls, and is not shown. */
  list(asked: Asked): PointView[] {
    return [...this.points]
      .map(([name, point]) => this.show(name, point, asked))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** How many points are in each state, whatever the log, and what they add up to. */
  totals(): {
    states: Record<'hears' | 'closed' | 'silent' | 'gone', number>;
    silentMs: number;
    inFlight: number;
    aborted: number;
  } {
    const totals = { states: { hears: 0, closed: 0, silent: 0, gone: 0 }, silentMs: 0, inFlight: 0, aborted: 0 };
    for (const { report, heardAt } of this.points.values()) {
      const silentMs = this.clocks.monotonic() - heardAt;
      const isClosed = report.logs.some(({ hears }) => !hears);
      const state = unheard(silentMs, report) ?? (isClosed ? 'closed' : 'hears');
      totals.states[state] += 1;
      if (state === 'gone') continue;
      totals.silentMs = Math.max(totals.silentMs, silentMs);
      for (const log of report.logs) {
        totals.inFlight += log.inFlight;
        totals.aborted += abortedIn(log, 'any');
      }
    }
    return totals;
  }

  private show(name: string, { report, heardAt, reached }: KnownPoint, { log, position, aborted }: Asked): PointView {
    const silentMs = Math.round(this.clocks.monotonic() - heardAt);
    const about = report.logs.find((each) => each.log === log);
    const enforced = about && about.hears && about.epoch >= position;
    const first = enforced ? reached.get(log)?.find(({ epoch }) => epoch >= position) : undefined;
    return {
      name,
      kind: report.kind,
      process: report.process,
      state: unheard(silentMs, report) ?? (about?.hears === false ? 'closed' : enforced ? 'enforces' : 'behind'),
      silentMs,
      boundMs: report.boundMs,
      ...(about && { epoch: about.epoch, inFlight: about.inFlight }),
      ...(about && aborted !== undefined && { aborted: abortedIn(about, aborted) }),
      ...(first && { enforcedAt: rfc3339(first.at) }),
    };
  }

  private reach(reached: KnownPoint['reached'], { log, epoch }: LogReport): void {
    const changes = reached.get(log) ?? [];
    reached.set(log, changes);
    const last = changes.at(-1);
    if (last?.epoch === epoch) return;
    // an epoch that went back was withdrawn, with all that was known since
    if (last && last.epoch > epoch) changes.splice(0);
    changes.push({ epoch, at: this.clocks.wall() });
    if (changes.length > LIMITS.epochsKept) changes.shift();
  }

  /** Makes room for one more point if none is free: the one that has been silent longest may be forgotten. */
  private hasRoom(): boolean {
    if (this.points.size < LIMITS.points) return true;
    let longest: KnownPoint | undefined;
    for (const point of this.points.values()) if (!longest || point.heardAt < longest.heardAt) longest = point;
    if (!longest || this.clocks.monotonic() - longest.heardAt <= LIMITS.pointKeptMs) return false;
    return this.remove(longest.report);
  }

  private remove({ name, sequence }: KnownPoint['report']): true {
    this.points.delete(name);
    this.former.set(name, sequence);
    return true;
  }

  private leaveOut(name: string): false {
    this.without.set(name, this.clocks.monotonic());
    const [oldest = ''] = this.without.keys();
    if (this.without.size > LIMITS.points) this.without.delete(oldest);
    return false;
  }
}

/** The state of a point that does not report; undefined: it does. */
const unheard = (silentMs: number, { boundMs }: PointReport): 'silent' | 'gone' | undefined =>
  silentMs > LIMITS.pointKeptMs ? 'gone' : silentMs > boundMs ? 'silent' : undefined;

function abortedIn({ aborted }: LogReport, by: string): number {
  const counted = aborted.filter(({ revocationId }) => by === 'any' || revocationId === by);
  return counted.reduce((sum, { calls }) => sum + calls, 0);
}
