import type { GrantView } from '@bailiwick/contracts/grants/grant';
import { systemClock } from '@bailiwick/core/clock';
import { ProblemError } from '../http/problem-error';
import { LeaseEndedError, type LeaseEnd } from '../errors';

export interface WatchOptions {
  /** ms between two readings of the lease while calls are in flight or its signal is in use; 500 unless stated */
  readonly watchEveryMs?: number;
  /** ms without a reading after which calls are aborted; 10,000 unless stated */
  readonly unreachableMs?: number;
}

type Lease = Pick<GrantView, 'status' | 'blockedBy'>;
/** The longest delay of a timer of Node. */
const LONGEST_MS = 2 ** 31 - 1;
/** A call is aborted by this before the end of its lease, so that the token can still report the outcome. */
const MARGIN_MS = 2_000;

/**
 * Aborts the calls of a run when its lease is revoked, suspended, completed or about to expire, or cannot be read. A
 * suspension can end: later calls then have another signal.
 */
export class LeaseWatch {
  private controller = new AbortController();
  private inFlight = 0;
  private isAlways = false;
  private reading: NodeJS.Timeout | undefined;
  private expiry: NodeJS.Timeout | undefined;
  private readAt = 0;
  private ended: LeaseEndedError | undefined;

  constructor(
    private readonly read: (signal: AbortSignal) => Promise<Lease>,
    private readonly options: WatchOptions = {},
  ) {}

  /** Returns the signal of one call, which is watched until `release`. */
  hold(): { readonly signal: AbortSignal; release(): void } {
    this.inFlight += 1;
    this.start();
    // a call in flight keeps the process alive, a signal does not
    this.reading?.ref();
    let isHeld = true;
    const release = (): void => {
      if (isHeld) this.inFlight -= 1;
      isHeld = false;
      if (this.inFlight === 0) this.reading?.unref();
    };
    return { signal: this.controller.signal, release };
  }

  /** Returns the present signal, and watches the lease from now until it ends. */
  always(): AbortSignal {
    this.isAlways = true;
    this.start();
    return this.controller.signal;
  }

  /** States the end of the lease, in ms since 1970. A later call replaces it. */
  expiresAt(end: number): void {
    clearTimeout(this.expiry);
    if (this.ended) return;
    const left = end - systemClock.now();
    const ms = left - Math.min(MARGIN_MS, left / 10);
    this.expiry = setTimeout(
      () => (ms > LONGEST_MS ? this.expiresAt(end) : this.end('expired')),
      Math.max(0, Math.min(ms, LONGEST_MS)),
    );
    this.expiry.unref();
  }

  /** Aborts everything, for good. */
  end(how: LeaseEnd): void {
    if (this.ended) return;
    this.ended = new LeaseEndedError(how);
    clearTimeout(this.expiry);
    clearTimeout(this.reading);
    this.reading = undefined;
    this.controller.abort(this.ended);
  }

  private get isWatching(): boolean {
    return this.ended === undefined && (this.isAlways || this.inFlight > 0);
  }

  private start(): void {
    if (this.reading || !this.isWatching) return;
    this.readAt = performance.now();
    this.next();
  }

  private next(): void {
    this.reading = setTimeout(() => void this.look(), this.options.watchEveryMs ?? 500);
    if (this.inFlight === 0) this.reading.unref();
  }

  private async look(): Promise<void> {
    const { unreachableMs = 10_000 } = this.options;
    try {
      this.apply(await this.read(AbortSignal.timeout(unreachableMs)));
      this.readAt = performance.now();
    } catch (error) {
      // 401 and 404: the token or its tree has ended; 403: it was never of this run
      if (error instanceof ProblemError && [401, 403, 404].includes(error.status)) return this.end('expired');
      if (performance.now() - this.readAt >= unreachableMs) this.abort('unreachable');
    }
    if (this.isWatching) this.next();
    else this.reading = undefined;
  }

  private apply({ status, blockedBy }: Lease): void {
    const present = status === 'active' ? (blockedBy?.status ?? status) : status;
    // permits of a lease that is used up or superseded stay valid
    if (present === 'suspended') this.abort('suspended');
    else if (present === 'revoked' || present === 'expired' || present === 'completed') this.end(present);
  }

  /** Aborts what is in flight; later calls have another signal. */
  private abort(how: LeaseEnd): void {
    const { controller } = this;
    this.controller = new AbortController();
    controller.abort(new LeaseEndedError(how));
  }
}
