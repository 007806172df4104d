import { Inject, Injectable } from '@nestjs/common';
import type { Agent, GrantRequest } from '@bailiwick/contracts/grants/grant';
import { systemClock } from '@bailiwick/core/clock';
import { callerOf, type Caller } from '../auth/caller';
import { GrantTokens } from '../auth/grant-tokens';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import { TokenMint } from '../auth/token-mint';
import { CONFIG, type GatewayConfig } from '../config';
import { OAuthRefused } from '../http/problems/oauth-error';
import { Refused } from '../http/problems/problem';
import { contextFor, type Incoming } from '../http/request-context';
import type { Issued } from '../runs/issued';
import { LeaseRequests } from '../runs/lease-requests';
import { detailsOf, readDetails } from './authorization-details';
import { nameOf, withRole, type Client } from './clients';
import type { Form } from './form';
import { OAuthSlots } from './oauth-slots';
import { targetsIn } from './targets';

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';

/** The response to a granted request for a token (RFC 6749 §5.1, RFC 8693 §2.2.1, RFC 9396 §7). */
export interface TokenResponse {
  readonly access_token: string;
  readonly issued_token_type: string;
  readonly token_type: 'Bearer' | 'DPoP';
  /** s */
  readonly expires_in: number;
  readonly authorization_details: readonly Record<string, unknown>[];
}

/**
 * Delegates by token exchange (RFC 8693): the subject token is the parent's grant token, the result the token of a child
 * run with a narrower lease (I1), by the command of `POST /v1/grants/{id}/delegations`. There are no refresh tokens.
 */
@Injectable()
export class TokenExchange {
  constructor(
    private readonly tokens: GrantTokens,
    private readonly mint: TokenMint,
    private readonly leases: LeaseRequests,
    private readonly slots: OAuthSlots,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  /** @throws Refused */
  async exchange(request: Incoming, form: Form, client: Client | undefined): Promise<TokenResponse> {
    checkTypes(form);
    const subject = await this.subject(form);
    if (client && client.tenant !== subject.tenant) throw noSubject('it is unknown'); // I9
    this.slots.ofTenant(request.raw, subject.tenant);
    if (client) withRole(client, ['orchestrator']);
    const audience = targetsIn(form, this.config);
    const jkt = await this.proofKey(request, subject.tenant);
    if (subject.jkt !== undefined && !client && jkt !== subject.jkt)
      throw noSubject('it is bound to a key; send a DPoP proof by that key, or authenticate as an orchestrator');
    const details = readDetails(form.get('authorization_details'));
    const agent = details.agent ?? agentOf(client);
    const grant = boundTo(details.grant, jkt, subject);
    const { task, purpose } = details;
    const attestation = details.attestation === undefined ? attestationIn(form) : { attestation: details.attestation };
    const caller = callerOf(subject);
    const issued = await this.leases.delegate(contextFor(caller, request), subject.grantId, {
      agent,
      task,
      grant,
      ...(purpose === undefined ? {} : { purpose }),
      ...attestation,
    });
    return this.respond(caller, issued, audience);
  }

  /** @param audience what the token is for; undefined: this installation */
  async respond(caller: Caller, issued: Issued, audience: readonly string[] | undefined): Promise<TokenResponse> {
    const { run, grant, approval } = issued;
    if (!grant)
      throw new OAuthRefused(
        'authorization_pending',
        `a person must approve this lease first; then get its token with POST /v1/runs/${run.id}/token`,
        { run_id: run.id, ...(approval ? { approval_id: approval.id } : {}) },
      );
    return {
      access_token: await this.mint.mint(caller, run, grant, { audience }),
      issued_token_type: ACCESS_TOKEN,
      token_type: grant.limits.session.jkt === undefined ? 'Bearer' : 'DPoP',
      expires_in: Math.max(0, Math.floor((Date.parse(grant.limits.time.expiresAt) - systemClock.now()) / 1_000)),
      authorization_details: detailsOf(run, grant),
    };
  }

  /** Returns the key of the proof that came with a request for a token, which the token is bound to (RFC 9449 §5). */
  async proofKey({ headers: { dpop } }: Pick<Incoming, 'headers'>, tenant: string): Promise<string | undefined> {
    if (dpop === undefined) return undefined;
    if (typeof dpop !== 'string') throw new Refused('DPOP_INVALID', 'send one DPoP proof');
    return this.tokens.checkTokenProof(dpop, tenant, 'POST', `${this.config.publicUrl}/oauth/token`);
  }

  /** An unusable subject token is `invalid_request` (RFC 8693 §2.2.2). One for another resource is unusable here. */
  private async subject(form: Form): Promise<TokenClaims> {
    try {
      const claims = await this.tokens.verify(form.need('subject_token'));
      if (claims.audience === undefined) return claims;
    } catch (error) {
      if (error instanceof Refused && error.code === 'UNAUTHENTICATED') throw noSubject(error.detail);
      throw error;
    }
    throw noSubject('it is for another resource');
  }
}

const noSubject = (why: string): OAuthRefused =>
  new OAuthRefused('invalid_request', `the subject token cannot be used: ${why}`);

/** @throws OAuthRefused for parameters of RFC 8693 that name what is not supported */
function checkTypes(form: Form): void {
  form.need('subject_token');
  if (![ACCESS_TOKEN, JWT].includes(form.need('subject_token_type')))
    throw new OAuthRefused('invalid_request', `subject_token_type: send ${ACCESS_TOKEN}`);
  if (![ACCESS_TOKEN, JWT].includes(form.get('requested_token_type') ?? ACCESS_TOKEN))
    throw new OAuthRefused('invalid_request', `requested_token_type: only ${ACCESS_TOKEN} is issued`);
  checkScope(form);
}

/**
 * Returns the token of the child agent's workload, which attests its posture. The type is required with it, and not allowed
 * without it (RFC 8693 §2.1).
 */
function attestationIn(form: Form): { attestation?: string } {
  const [attestation, type] = [form.get('actor_token'), form.get('actor_token_type')];
  if (attestation === undefined && type === undefined) return {};
  if (attestation === undefined || (type !== JWT && type !== ID_TOKEN))
    throw new OAuthRefused('invalid_request', `send actor_token with actor_token_type ${JWT}: a token of its workload`);
  return { attestation };
}

/** Rights are leases, not scopes. @throws OAuthRefused invalid_scope */
export function checkScope(form: Form): void {
  if (form.get('scope') !== undefined)
    throw new OAuthRefused('invalid_scope', 'there are no scopes; state the limits in authorization_details');
}

/** The agent of a run: the authenticated client, if the details name none. */
export function agentOf(client: Client | undefined): Agent {
  if (!client)
    throw new OAuthRefused(
      'invalid_authorization_details',
      'authorization_details: name the agent, or authenticate as its client',
    );
  return { class: nameOf(client) };
}

/** Binds the child's lease to the key of the proof, unless its details name another key that the parent vouches for. */
function boundTo(grant: GrantRequest, jkt: string | undefined, subject: TokenClaims): GrantRequest {
  const named = grant.session?.jkt;
  if (jkt === undefined || (named !== undefined && jkt === subject.jkt)) return grant;
  if (named !== undefined && named !== jkt)
    throw new Refused('DPOP_INVALID', 'the DPoP proof is not valid: its key is not the one of session.jkt');
  return { ...grant, session: { jkt } };
}
