import type { LogReport } from '@bailiwick/contracts/enforcement/report';
import type { LiveView } from '@bailiwick/contracts/queries/query';
import { LIMITS } from '@bailiwick/core/limits';

/** Why a call in flight was aborted. */
export const REVOKED = 'the lease of the run is no longer live';
export const UNHEARD = 'the owner of the log has not been heard for too long, so that the lease may have ended';
export const STOPPING = 'the service is stopping';

interface Call {
  readonly abort: AbortController;
  readonly since: number;
  /** it is permitted, so that it is in flight */
  isPermitted: boolean;
}
/** A registered call, or a stream that ends with its lease. */
export interface Watch {
  /** Counts it among the calls in flight from now on. */
  permitted(): void;
  end(): void;
}
interface Lease {
  readonly calls: Set<Call>;
  /** the position up to which all events are taken into account for this lease */
  covered: number;
}

/**
 * The calls in flight of one log, and the epoch that is enforced for all of them. Times are monotonic, ms.
 *
 * A lease is covered up to the position of the last answer that took it into account. A call is registered before it is
 * decided: if that is after an answer, its owner decides it at the position of that answer or later.
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
    const lease = this.leases.get(grantId) ?? { calls: new Set(), covered: this.floor };
    this.leases.set(grantId, lease);
    const call = { abort, since: now, isPermitted: false };
    lease.calls.add(call);
    return {
      permitted: () => void (call.isPermitted = true),
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
   * Aborts the calls of leases that have ended.
   * @param asked the leases that the answer is about
   * @param askedAt when the answer was asked for
   */
  apply({ position, ended }: LiveView, asked: readonly string[], askedAt: number): void {
    for (const { grantId, revocationId } of ended)
      for (const call of this.leases.get(grantId)?.calls ?? []) this.abort(call, REVOKED, revocationId);
    for (const grantId of asked) {
      const lease = this.leases.get(grantId);
      if (lease) lease.covered = position;
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

  abortAll(reason: string): void {
    for (const { calls } of this.leases.values()) for (const call of calls) this.abort(call, reason);
  }

  report(now: number): LogReport {
    let inFlight = 0;
    for (const { calls } of this.leases.values()) for (const { isPermitted } of calls) if (isPermitted) inFlight += 1;
    const aborted = [...this.aborts].map(([revocationId, calls]) =>
      revocationId === undefined ? { calls } : { revocationId, calls },
    );
    return { log: this.log, epoch: this.epoch, hears: this.isIdle || this.hears(now), inFlight, aborted };
  }

  private isUnheard({ since }: Call, now: number): boolean {
    return now - Math.max(since, this.heardAt) > LIMITS.unheardMs;
  }

  private abort({ abort, isPermitted }: Call, reason: string, revocationId?: string): void {
    if (abort.signal.aborted) return;
    abort.abort(reason);
    if (isPermitted) this.count(revocationId);
  }

  private count(revocationId: string | undefined): void {
    const calls = (this.aborts.get(revocationId) ?? 0) + 1;
    this.aborts.delete(revocationId); // newest last
    this.aborts.set(revocationId, calls);
    const [oldest] = this.aborts.keys();
    if (this.aborts.size > LIMITS.abortsReported) this.aborts.delete(oldest);
  }
}
