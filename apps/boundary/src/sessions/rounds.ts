import { randomUUID } from 'node:crypto';
import { canonicalDigest } from '@bailiwick/core/digest';
import { Refused } from '@bailiwick/edge/refused';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import type { GovernedOptions, HeldPermit, Suspended } from '../calls/governed';
import type { Binding, Seals } from '../calls/seals';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import type { UpstreamAnswer } from '../upstream/connection';
import { Flight } from './flight';
import type { Session } from './session';

type Json = Record<string, unknown>;

/** A request of a client that waits for its input, with the permit of the last round. */
export interface Waiting {
  readonly flight: Flight;
  readonly session: Session;
  readonly permit: HeldPermit;
  readonly timer: NodeJS.Timeout;
}

/**
 * Requests in several rounds (MCP 2026-07-28): the upstream request stays in flight while its client is asked. The state
 * that the client sends back is bound to the lease, the server, and the request, and is good for one retry.
 */
export class Rounds {
  private readonly waiting = new Map<string, Waiting>();

  constructor(private readonly seals: Seals) {}

  /** Sends a request for the first time. @param given input that the client sends unasked */
  begin(
    session: Session,
    method: string,
    params: Json,
    options: GovernedOptions,
    { binding, given }: { binding: Binding; given: unknown },
  ): Promise<UpstreamAnswer | Suspended> {
    const flight = new Flight(given);
    const { signal, ...rest } = options;
    flight.start((whole) => session.send(method, params, { ...rest, signal: whole }, flight));
    return this.step({ flight, session }, signal, binding);
  }

  /** Takes a waiting request, once. @returns undefined for the state of another lease or request, or a used one */
  take(state: unknown, binding: Binding): Waiting | undefined {
    const id = this.seals.open(state, binding);
    const waiting = id === undefined ? undefined : this.waiting.get(id);
    if (id === undefined || !waiting) return undefined;
    this.waiting.delete(id);
    clearTimeout(waiting.timer);
    return waiting;
  }

  /**
   * Decides a waiting request again. It is open upstream until then, and stays registered until the next call of it is: a
   * revocation before that ends it. Its permit stays too: what was done under it is charged if the next decision denies it.
   * @param decide calls `resumed` when the next permit has taken the place of the waiting one
   */
  async again<T>({ flight, permit }: Waiting, decide: (resumed: () => void) => Promise<T>): Promise<T> {
    let isResumed = false;
    permit.lease.addEventListener('abort', () => flight.end(), { once: true });
    try {
      return await decide(() => {
        isResumed = true;
        permit.replaced();
        void permit.end();
      });
    } finally {
      void permit.end();
      if (!isResumed) flight.end();
    }
  }

  /** Continues a waiting request with the input of its client, after another decision. */
  resume(
    waiting: Waiting,
    responses: unknown,
    { signal }: GovernedOptions,
    binding: Binding,
  ): Promise<UpstreamAnswer | Suspended> {
    // input for a request that has been aborted goes no further
    if (!signal.aborted) waiting.flight.input(responses);
    return this.step(waiting, signal, binding);
  }

  private async step(
    { flight, session }: Pick<Waiting, 'flight' | 'session'>,
    signal: AbortSignal,
    binding: Binding,
  ): Promise<UpstreamAnswer | Suspended> {
    const next = await flight.next(signal);
    if (next !== 'input-needed') return next;
    if (!this.hasRoom(session)) {
      flight.end();
      throw new Refused('NOT_READY', 'too many requests wait for input; try again');
    }
    const id = randomUUID();
    const result = {
      resultType: 'input_required',
      inputRequests: flight.inputRequests,
      requestState: this.seals.seal(id, binding),
    };
    return {
      suspended: JSON.stringify(result),
      hold: (permit) => this.park(id, { flight, session, permit }),
    };
  }

  private hasRoom({ tenant, grantId }: Session): boolean {
    const ofTenant = [...this.waiting.values()].filter(({ session }) => session.tenant === tenant);
    const ofLease = ofTenant.filter(({ session }) => session.grantId === grantId);
    return (
      this.waiting.size < BOUNDARY_LIMITS.parked &&
      ofTenant.length < BOUNDARY_LIMITS.parkedPerTenant &&
      ofLease.length < BOUNDARY_LIMITS.parkedPerLease
    );
  }

  /** Without a retry the request ends, and counts as made. */
  private park(id: string, waiting: Omit<Waiting, 'timer'>): void {
    const { flight, permit } = waiting;
    const drop = (): void => {
      if (!this.waiting.delete(id)) return;
      clearTimeout(timer);
      flight.end();
      void permit.end();
    };
    const timer = setTimeout(drop, BOUNDARY_LIMITS.parkedMs).unref();
    this.waiting.set(id, { ...waiting, timer });
    permit.lease.addEventListener('abort', drop, { once: true });
    if (permit.lease.aborted) drop();
  }
}

/** What a state is bound to: the lease, the server, and the request without what differs in a retry. */
export function bindingOf({ tenant, grantId }: TokenClaims, server: string, method: string, params: Json): Binding {
  const { inputResponses: _1, requestState: _2, _meta: _3, ...same } = params;
  return [tenant, grantId, server, method, canonicalDigest(same)];
}
