import { canonicalDigest } from '@bailiwick/core/digest';
import { Refused } from '@bailiwick/edge/refused';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import type { GovernedRequests } from '../calls/governed';
import { couldOperate, type LeaseViews } from '../calls/lease-views';
import { LOGGING, READ } from '../calls/operations';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import type { Upstream } from '../upstream/upstream';
import { SERVER_REQUESTS } from './server-requests';
import { Session } from './session';

/** The client that sends a request, as far as servers may ask it something. */
export interface ClientOf {
  readonly claims: TokenClaims;
  readonly upstream: Upstream;
  readonly capabilities: Readonly<Record<string, unknown>>;
  /** distinguishes the clients of a run that state which they are; left out: all with these capabilities are one */
  readonly client?: string | undefined;
}

/** A session that a request or a stream uses: it gives way to no other client until it is released. */
export interface HeldSession {
  /** undefined if the client shares the connection of all */
  readonly session: Session | undefined;
  /** ends the use; further calls do nothing */
  readonly release: () => void;
}

/** The clients that have a separate connection to a server. Bounded; one that is not used is closed. */
export class Sessions {
  private readonly open = new Map<string, Session>();
  /** clients that have left, the newest of this process: their sealed sessions would be accepted for as long as the lease is */
  private readonly ended = new Set<string>();
  private readonly sweeping: NodeJS.Timeout;

  constructor(
    private readonly views: LeaseViews,
    private readonly requests: GovernedRequests,
  ) {
    this.sweeping = setInterval(() => this.sweep(), BOUNDARY_LIMITS.sessionIdleMs / 10).unref();
  }

  /**
   * Takes the session of a client for a request or a stream, and opens one if the lease could permit anything that needs it.
   * It is in use before any other client can look for one to replace: the request is decided first, and must not find its
   * connection closed afterwards.
   * @throws Refused NOT_READY
   */
  async hold(client: ClientOf): Promise<HeldSession> {
    let release = (): void => undefined;
    const session = await this.of(client, (found) => (release = found.use()));
    void session?.decideAgain();
    return { session, release };
  }

  /** @param taken is called in the turn in which the session is found */
  private async of(client: ClientOf, taken: (session: Session) => void): Promise<Session | undefined> {
    const { claims, upstream, capabilities } = client;
    if (Object.keys(capabilities).length === 0 && client.client === undefined) return undefined;
    const { tenant, grantId } = claims;
    const { name, identity } = upstream;
    const key = canonicalDigest([tenant, grantId, name, identity, capabilities, client.client ?? '']);
    const known = this.open.get(key);
    if (known && known.server !== upstream)
      known.close(); // it was registered again
    else if (known) {
      taken(known);
      return known;
    }
    const view = await this.views.of(claims);
    if (!view) return undefined;
    const could = (operation: string): boolean => couldOperate(view, name, operation);
    const permitted = Object.entries(capabilities).filter(([capability]) =>
      Object.entries(SERVER_REQUESTS).some(([method, needed]) => needed === capability && could(method)),
    );
    const isStateful = client.client !== undefined && (could(READ) || could(LOGGING));
    if (permitted.length === 0 && !isStateful) return undefined;
    const raced = this.open.get(key);
    if (raced) {
      taken(raced);
      return raced;
    }
    if (!this.hasRoom(claims))
      throw new Refused(
        'NOT_READY',
        'too many clients have a separate connection to a server; close one, or try again',
      );
    const session = new Session(client, Object.fromEntries(permitted), this.requests);
    this.open.set(key, session);
    session.closed.signal.addEventListener('abort', () => {
      if (this.open.get(key) === session) this.open.delete(key);
    });
    taken(session);
    return session;
  }

  /**
   * Makes room for a client by closing what has been idle for the longest time: of its run or its tenant, if that has all
   * that it may have, and otherwise of the tenants that have the most, and never of one that has less than its own.
   */
  private hasRoom({ tenant, grantId }: TokenClaims): boolean {
    const all = [...this.open.values()];
    const ofTenant = all.filter((each) => each.tenant === tenant);
    const ofLease = ofTenant.filter((each) => each.grantId === grantId);
    if (ofLease.length >= BOUNDARY_LIMITS.sessionsPerLease) return closeOldest(ofLease);
    if (ofTenant.length >= BOUNDARY_LIMITS.sessionsPerTenant) return closeOldest(ofTenant);
    if (all.length < BOUNDARY_LIMITS.sessions) return true;
    const byTenant = new Map<string, Session[]>();
    for (const each of all) byTenant.set(each.tenant, [...(byTenant.get(each.tenant) ?? []), each]);
    return [...byTenant.values()]
      .filter(({ length }) => length >= ofTenant.length)
      .sort((a, b) => b.length - a.length)
      .some(closeOldest);
  }

  /** Ends the session of a client that leaves. This process answers no more requests of it. */
  end({ claims, upstream, client }: ClientOf): void {
    if (client === undefined) return;
    for (const each of this.open.values())
      if (each.client === client && each.grantId === claims.grantId && each.server === upstream) each.close();
    this.ended.add(client);
    const [oldest] = this.ended;
    if (this.ended.size > BOUNDARY_LIMITS.endedKept && oldest !== undefined) this.ended.delete(oldest);
  }

  hasEnded(client: string | undefined): boolean {
    return client !== undefined && this.ended.has(client);
  }

  close(): void {
    clearInterval(this.sweeping);
    for (const each of this.open.values()) each.close();
  }

  private sweep(): void {
    const before = performance.now() - BOUNDARY_LIMITS.sessionIdleMs;
    for (const each of this.open.values()) if (each.isIdle && each.usedAt < before) each.close();
  }
}

/** Closes the one that has not been used for the longest time, of those that no request or stream uses. */
function closeOldest(sessions: readonly Session[]): boolean {
  const [oldest] = sessions.filter(({ isIdle }) => isIdle).sort((a, b) => a.usedAt - b.usedAt);
  oldest?.close();
  return oldest !== undefined;
}
