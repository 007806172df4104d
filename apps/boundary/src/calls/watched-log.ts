import type { LogReport } from '@bailiwick/contracts/enforcement/report';
import type { LiveView } from '@bailiwick/contracts/queries/query';
import { LIMITS } from '@bailiwick/core/limits';
import { deniedBy, REVOKED, UNHEARD, type AbortReason } from './abort-reason';

interface Call {
  readonly abort: AbortController;
  readonly since: number;
  /** it is permitted as this action, so that it is in flight; undefined: it is being decided, or is a stream */
  actionId: string | undefined;
}
/** A registered call, or a stream that ends with its lease. */
export interface Watch {
  /** Counts it among the calls in flight from now on; aborts it if it is known to be denied by now. */
  permitted(actionId: string): void;
  end(): void;
}
interface Lease {
  readonly calls: Set<Call>;
  /** of the last answer: the actions of the lease that are denied by now, with what denies each */
  denied: ReadonlyMap<string, string>;
  /** the position up to which all events are taken into account for this lease */
  covered: number;
}

/**
 * The calls in flight of one log, and the epoch that is enforced for all of them. Times are monotonic, ms.
 *
 * A lease is covered up to the position of the last answer that took it into account. A call is registered before it is
 * decided: if that is after an answer, its owner decides it at the position of that answer or later. A permit may arrive
 * after an answer that already denies its action, so what is denied is kept with the lease until the next answer.
 */
export class WatchedLog {
  private readonly leases = new Map<string, Lease>();
  private readonly aborts = new Map<string | undefined, number>();
  /** position of the last answer */
  private floor = -1;
  /** when the last answer was asked for */
  private heardAt: number;

  constructor(
    readonly log: string,
    now: number,
  ) {
    this.heardAt = now;
  }

  add(grantId: string, abort: AbortController, now: number): Watch {
    const lease: Lease = this.leases.get(grantId) ?? { calls: new Set(), denied: new Map(), covered: this.floor };
    this.leases.set(grantId, lease);
    const call: Call = { abort, since: now, actionId: undefined };
    lease.calls.add(call);
    return {
      permitted: (actionId) => {
        const revocationId = lease.denied.get(actionId);
        if (revocationId !== undefined)
          this.abort(call, deniedBy(revocationId), revocationId); // it was not in flight yet
        else call.actionId = actionId;
      },
      end: () => {
        lease.calls.delete(call);
        if (lease.calls.size === 0 && this.leases.get(grantId) === lease) this.leases.delete(grantId);
      },
    };
  }

  get grantIds(): string[] {
    return [...this.leases.keys()];
  }

  get isIdle(): boolean {
    return this.leases.size === 0;
  }

  /** The epoch that is enforced for every call in flight. */
  get epoch(): number {
    let epoch = this.floor;
    for (const { covered } of this.leases.values()) epoch = Math.min(epoch, covered);
    return epoch;
  }

  /** Calls were registered while the last answer was under way, which may not have taken them into account. */
  get isLagging(): boolean {
    return this.epoch < this.floor;
  }

  /**
   * Aborts the calls of leases that have ended, and the calls that are denied by now.
   * @param asked the leases that the answer is about
   * @param askedAt when the answer was asked for
   */
  apply({ position, ended, denied }: LiveView, asked: readonly string[], askedAt: number): void {
    for (const { grantId, revocationId } of ended)
      for (const call of this.leases.get(grantId)?.calls ?? []) this.abort(call, REVOKED, revocationId);
    const actions = new Map<string, Map<string, string>>(asked.map((grantId) => [grantId, new Map()]));
    for (const { grantId, actionId, revocationId } of denied) actions.get(grantId)?.set(actionId, revocationId);
    for (const [grantId, ofLease] of actions) {
      const lease = this.leases.get(grantId);
      if (!lease) continue;
      lease.covered = position;
      lease.denied = ofLease;
      if (ofLease.size > 0) this.abortDenied(lease);
    }
    this.floor = position;
    this.heardAt = Math.max(this.heardAt, askedAt);
  }

  /** Aborts the calls that have not been vouched for within the bound: each is vouched for by its decision at first. */
  abortUnheard(now: number): void {
    for (const { calls } of this.leases.values())
      for (const call of calls) if (this.isUnheard(call, now)) this.abort(call, UNHEARD);
  }

  /** Reports whether the log was heard of within the bound. */
  hears(now: number): boolean {
    return now - this.heardAt <= LIMITS.unheardMs;
  }

  abortAll(reason: AbortReason): void {
    for (const { calls } of this.leases.values()) for (const call of calls) this.abort(call, reason);
  }

  report(now: number): LogReport {
    let inFlight = 0;
    for (const { calls } of this.leases.values())
      for (const { actionId } of calls) if (actionId !== undefined) inFlight += 1;
    const aborted = [...this.aborts].map(([revocationId, calls]) =>
      revocationId === undefined ? { calls } : { revocationId, calls },
    );
    return { log: this.log, epoch: this.epoch, hears: this.isIdle || this.hears(now), inFlight, aborted };
  }

  private abortDenied({ calls, denied }: Lease): void {
    for (const call of calls) {
      const revocationId = call.actionId === undefined ? undefined : denied.get(call.actionId);
      if (revocationId !== undefined) this.abort(call, deniedBy(revocationId), revocationId);
    }
  }

  private isUnheard({ since }: Call, now: number): boolean {
    return now - Math.max(since, this.heardAt) > LIMITS.unheardMs;
  }

  private abort({ abort, actionId }: Call, reason: AbortReason, revocationId?: string): void {
    if (abort.signal.aborted) return;
    abort.abort(reason);
    if (actionId !== undefined) this.count(revocationId);
  }

  private count(revocationId: string | undefined): void {
    const calls = (this.aborts.get(revocationId) ?? 0) + 1;
    this.aborts.delete(revocationId); // newest last
    this.aborts.set(revocationId, calls);
    const [oldest] = this.aborts.keys();
    if (this.aborts.size > LIMITS.abortsReported) this.aborts.delete(oldest);
  }
}
