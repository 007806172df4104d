import type { IncomingMessage } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type GatewayConfig } from '../config';
import { bodyLimitOf, type Endpoint } from '../http/endpoints/endpoint';
import { IncomingBodies } from '@bailiwick/edge/incoming-bodies';
import { PerRequest } from '../http/per-request';
import { Refused } from '../http/problems/problem';
import type { Incoming } from '../http/request-context';
import { actingAs, identify, VOUCHERS, type Caller, type Presented, type Vouchers } from './caller';
import { PersonNames } from './person-names';
import { SessionAdmission } from './sessions/session-admission';

/** The caller of a public endpoint. */
const ANONYMOUS: Caller = {
  kind: 'key',
  tenant: '',
  roles: [],
  actor: { kind: 'service', id: 'anonymous' },
};

/**
 * Decides from the head of a request whether its sender may call an endpoint. It runs before the body is read, so that
 * an unknown sender occupies no memory, and again in the guards, which find the caller of the first run.
 */
@Injectable()
export class Admission {
  /** one DPoP proof is good for one check: a request is identified once */
  private readonly callers = new PerRequest<Caller>();

  constructor(
    @Inject(VOUCHERS) private readonly vouchers: Vouchers,
    private readonly bodies: IncomingBodies,
    @Inject(CONFIG) private readonly config: GatewayConfig,
    private readonly names: PersonNames,
    private readonly sessions: SessionAdmission,
  ) {}

  /** @throws Refused UNAUTHENTICATED or DPOP_INVALID */
  async authenticate(endpoint: Endpoint, request: Incoming): Promise<Caller> {
    const known = this.callers.get(request.raw);
    if (known) return known;
    const caller = endpoint.roles === 'public' ? ANONYMOUS : actingAs(await this.identify(request), endpoint.roles);
    this.callers.set(request.raw, caller);
    if (caller.kind === 'key' && caller.person !== undefined && request.method !== 'GET')
      this.names.record(caller.tenant, [{ ref: caller.actor.id, name: caller.person }]);
    return caller;
  }

  /** @throws Refused FORBIDDEN unless the endpoint takes the caller's role or token */
  authorize({ method, path, roles, runs, people }: Endpoint, caller: Caller): void {
    if (roles === 'public') return;
    if (caller.kind === 'run') {
      if (runs) return;
    } else if (caller.roles.some((role) => roles.includes(role)) || (people && caller.person !== undefined)) return;
    const takes = [...roles, ...(runs ? ["the run's own token"] : []), ...(people ? ['a person'] : [])].join(', ');
    const who = whoIs(caller);
    throw new Refused('FORBIDDEN', `${who} may not ${method} ${path}; it takes ${takes || 'another'}`);
  }

  /** Checks that the sender may send a body and that memory for it is available. @throws Refused */
  async admitBody(endpoint: Endpoint, request: Incoming): Promise<void> {
    const caller = await this.authenticate(endpoint, request);
    this.authorize(endpoint, caller);
    this.bodies.expect(caller, request.raw, bodyLimitOf(endpoint));
  }

  /** Returns the caller of an authenticated request. */
  callerOf(raw: IncomingMessage): Caller | undefined {
    return this.callers.get(raw);
  }

  /**
   * Reports whether the credentials of a request that takes long are still valid. It is no use of a session, and a run's
   * token, whose proof is good for one check, ends with its lease in other ways.
   */
  async isStillValid(
    caller: Caller,
    { method, url, headers }: Pick<Incoming, 'method' | 'url' | 'headers'>,
  ): Promise<boolean> {
    if (caller.kind === 'run') return true;
    try {
      const secret = headers.authorization === undefined ? this.sessions.secretIn({ headers }) : undefined;
      if (secret !== undefined) return (await this.sessions.find(secret, false)) !== undefined;
      await this.callerWith({ authorization: headers.authorization, dpop: undefined, method, url });
      return true;
    } catch {
      return false; // also if it cannot be checked (I11): the client may resume
    }
  }

  private identify(request: Incoming): Promise<Caller> {
    const { method, url, headers } = request;
    const { authorization, dpop } = headers;
    if (authorization === undefined && headers.cookie !== undefined) {
      const secret = this.sessions.secretIn(request);
      if (secret !== undefined) return this.sessions.identify(request, secret);
    }
    return this.callerWith({ authorization, dpop, method, url });
  }

  /**
   * Identifies the holder of credentials, for an endpoint that takes them in another form.
   * @param presented `url` is the path, as it was sent
   * @throws Refused UNAUTHENTICATED or DPOP_INVALID
   */
  callerWith({ authorization, dpop, method, url }: Presented): Promise<Caller> {
    // A request target may also be absolute, `*` or an authority (RFC 9112 section 3.2); no route of ours matches those.
    const target = url.startsWith('/') ? this.config.publicUrl + url : '';
    return identify(this.vouchers, { authorization, dpop, method, url: target });
  }
}

function whoIs(caller: Caller): string {
  if (caller.kind === 'run') return 'a grant token';
  const [first, ...others] = caller.roles;
  if (first === undefined) return 'a person without a role';
  return others.length === 0 ? `the role ${first}` : `the roles ${caller.roles.join(', ')}`;
}
