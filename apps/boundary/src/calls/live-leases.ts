import type { GrantView } from '@bailiwick/contracts/grants/grant';
import { logName, logNumberOf } from '@bailiwick/core/ids';
import type { OwnerClient } from '@bailiwick/edge/owners/owner-client';
import { Refused } from '@bailiwick/edge/refused';
import type { Bus } from '@bailiwick/messaging/connect';
import { BOUNDARY_LIMITS } from '../limits';

interface Watched {
  readonly log: string;
  readonly grantId: string;
  readonly calls: Set<AbortController>;
  reading: boolean;
  /** a commit was announced while it was read */
  again: boolean;
}

/**
 * Aborts the calls in flight of leases that are no longer live. Leases are read when a commit to their log is announced, and
 * twice a second, since announcements may be lost. If the owner cannot be reached, calls in flight continue: they were
 * permitted, and no new one is.
 */
export class LiveLeases {
  private readonly watched = new Map<string, Watched>();
  private readonly stop: () => void;

  constructor(
    private readonly owners: Pick<OwnerClient, 'query'>,
    bus: Pick<Bus, 'listen'>,
  ) {
    const timer = setInterval(() => this.look(), BOUNDARY_LIMITS.liveEveryMs);
    timer.unref();
    const unlisten = bus.listen('bailiwick.event.*.*', () => this.look());
    this.stop = () => {
      clearInterval(timer);
      unlisten();
    };
  }

  /** Registers a call of a lease; the controller is aborted when the lease ends. @returns what ends the registration */
  watch(tenant: string, grantId: string, call: AbortController): () => void {
    const key = `${tenant}\n${grantId}`;
    const log = logName(tenant, logNumberOf(grantId) ?? 0);
    const known = this.watched.get(key) ?? { log, grantId, calls: new Set(), reading: false, again: false };
    this.watched.set(key, known);
    known.calls.add(call);
    return () => {
      known.calls.delete(call);
      // a call may end more than once, and later calls of its lease are in another entry
      if (known.calls.size === 0 && this.watched.get(key) === known) this.watched.delete(key);
    };
  }

  close(): void {
    this.stop();
    for (const { calls } of this.watched.values()) for (const call of calls) call.abort(STOPPING);
  }

  private look(): void {
    for (const each of this.watched.values()) {
      if (each.reading) each.again = true;
      else void this.read(each);
    }
  }

  private async read(each: Watched): Promise<void> {
    each.reading = true;
    try {
      do {
        each.again = false;
        const grant = await this.owners.query<GrantView>({ op: 'grant', log: each.log, id: each.grantId });
        if (CONTINUING.has(grant.status) && grant.blockedBy === undefined) continue;
        for (const call of each.calls) call.abort(REVOKED);
      } while (each.again && each.calls.size > 0);
    } catch (error) {
      // a lease that is forgotten has ended long ago; after any other failure the next look reads it again
      if (error instanceof Refused && error.code === 'NOT_FOUND') for (const call of each.calls) call.abort(REVOKED);
    } finally {
      each.reading = false;
    }
  }
}

/** An exhausted lease ends with its last call, and a raised one is superseded by a wider one. */
const CONTINUING: ReadonlySet<string> = new Set(['active', 'exhausted', 'superseded']);

/** Why a call in flight was aborted. */
export const REVOKED = 'the lease of the run is no longer live';
export const STOPPING = 'the service is stopping';
