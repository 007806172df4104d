import { hash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { personName } from '@bailiwick/contracts/keys/key';
import { LIMITS } from '@bailiwick/core/limits';
import { GrantTokens } from '../auth/grant-tokens';
import { Issuers, type VerifiedToken } from '../auth/issuers/issuers';
import { signedIn } from '../auth/issuers/people';
import { CONFIG, type GatewayConfig } from '../config';
import { OAuthRefused } from '../http/problems/oauth-error';
import { Refused } from '../http/problems/problem';
import type { Incoming } from '../http/request-context';
import { namesOf, withRole, type Client } from './clients';
import type { Form } from './form';
import { RootRuns } from './root-runs';
import { isTarget, targetsIn } from './targets';
import { checkScope, type TokenResponse } from './token-exchange';

export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** The `typ` of an assertion; no other token of an issuer has it. */
const ID_JAG = 'oauth-id-jag+jwt';

/**
 * Opens a root run by an assertion of an identity provider (Identity Assertion JWT Authorization Grant, RFC 7523): the
 * provider states that a client may act for a person at one of our resources.
 */
@Injectable()
export class IdentityAssertions {
  constructor(
    private readonly issuers: Issuers,
    private readonly tokens: GrantTokens,
    private readonly runs: RootRuns,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  /** @throws Refused */
  async open(request: Incoming, form: Form, client: Client): Promise<TokenResponse> {
    withRole(client, ['orchestrator']);
    checkScope(form);
    const assertion = await this.verified(form.need('assertion'));
    const { claims } = assertion;
    if (typeof claims.client_id !== 'string' || !namesOf(client).includes(claims.client_id))
      throw badGrant('it is for another client');
    const audience = this.audienceOf(form, claims.resource);
    const { tenant, person } = peopleOf(assertion);
    if (tenant !== client.tenant) throw badGrant('its person belongs to another tenant');
    return this.runs.open(once(request, claims), form, { client, requestedBy: person, audience });
  }

  /** @throws OAuthRefused invalid_grant (RFC 7523 section 3.1) */
  private async verified(token: string): Promise<VerifiedToken> {
    const { issuer } = this.tokens;
    if (this.issuers.namedBy(token)?.assertions !== true)
      throw badGrant('no issuer of assertions is configured for it');
    try {
      const verified = await this.issuers.verify(token, { types: [ID_JAG], audience: issuer });
      const { aud, jti, exp, iat = 0 } = verified.claims;
      if ([aud].flat().length !== 1) throw badGrant('it is for several audiences');
      if (typeof jti !== 'string' || jti === '') throw badGrant('it has no jti');
      if ((exp - iat) * 1_000 > LIMITS.assertionMs) throw badGrant('it is valid for longer than an hour');
      for (const limit of ['scope', 'authorization_details'])
        if (verified.claims[limit] !== undefined)
          throw badGrant(`it has ${limit}, and no lease can be limited by it; leave it out`);
      return verified;
    } catch (error) {
      if (error instanceof Refused && error.code === 'UNAUTHENTICATED') throw badGrant(error.detail);
      throw error;
    }
  }

  /** Returns what the token is for: what the request names of the resources that the assertion is for. */
  private audienceOf(form: Form, resource: unknown): string[] {
    const stated = this.resourcesOf(resource);
    const named = targetsIn(form, this.config) ?? stated;
    if (!named.every((each) => stated.includes(each)))
      throw new OAuthRefused('invalid_target', 'the assertion is for another resource than the request');
    return named;
  }

  /** Returns the resources that an assertion is for. One that is not ours would give names of another service a meaning here. */
  private resourcesOf(resource: unknown): string[] {
    const named = [resource].flat();
    for (const each of named)
      if (typeof each !== 'string' || !isTarget(each, this.config)) throw badGrant('its resource is not one of ours');
    return named as string[];
  }
}

const badGrant = (why: string): OAuthRefused =>
  new OAuthRefused('invalid_grant', `the assertion cannot be used: ${why}`);

/** @throws OAuthRefused invalid_grant */
function peopleOf(assertion: VerifiedToken): { tenant: string; person: string } {
  try {
    const { tenant, person } = signedIn(assertion);
    const fault = personName.safeParse(person).error?.issues[0]?.message;
    if (fault !== undefined) throw badGrant(`the name of its person ${fault}`);
    return { tenant, person };
  } catch (error) {
    throw error instanceof Refused && !(error instanceof OAuthRefused) ? badGrant(error.detail) : error;
  }
}

/**
 * Makes the assertion the idempotency key of the request: sent again, it returns the run that it opened, and with other
 * details it is refused. It ends long before that is forgotten.
 */
function once(request: Incoming, { iss, jti }: VerifiedToken['claims']): Incoming {
  const key = `id-jag ${hash('sha256', `${String(iss)}\n${String(jti)}`, 'base64url')}`;
  return { ...request, headers: { ...request.headers, 'idempotency-key': key } };
}
