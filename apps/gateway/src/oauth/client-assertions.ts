import { Injectable } from '@nestjs/common';
import { calculateJwkThumbprint, decodeJwt, importJWK, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { ASSERTION_ALGORITHMS, type ClientJwks } from '@bailiwick/contracts/keys/client-keys';
import { keyId } from '@bailiwick/contracts/keys/key';
import { systemClock } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { ApiKeys } from '../auth/api-keys';
import { keyCaller, type Caller } from '../auth/caller';
import { GrantTokens } from '../auth/grant-tokens';
import { Pseudonyms } from '../auth/pseudonyms';
import { OAuthRefused } from '../http/problems/oauth-error';
import type { Form } from './form';

export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** Tokens of other purposes have another `typ`, and are no assertions. */
const TYPES: readonly (string | undefined)[] = [undefined, 'jwt', 'client-authentication+jwt'];
const SKEW_MS = 30_000;

/**
 * Authenticates OAuth clients by assertions that they sign with their own keys (`private_key_jwt`, RFC 7523 sections 2.2
 * and 3). The client is a key with public keys; its id is the `client_id`. An assertion is for this installation alone, lives
 * for minutes and is accepted once by all gateways.
 */
@Injectable()
export class ClientAssertions {
  constructor(
    private readonly keys: ApiKeys,
    private readonly tokens: GrantTokens,
    private readonly pseudonyms: Pseudonyms,
  ) {}

  /** @throws OAuthRefused invalid_client */
  async authenticate(form: Form): Promise<Extract<Caller, { kind: 'key' }>> {
    if (form.get('client_assertion_type') !== ASSERTION_TYPE)
      throw wrong(`client_assertion_type: send ${ASSERTION_TYPE}`);
    const assertion = form.need('client_assertion');
    const id = clientNamedBy(assertion);
    const named = form.get('client_id');
    if (named !== undefined && named !== id) throw wrong('client_id is not the client that signed the assertion');
    // the name of a client reveals nothing: an unknown one and a wrong signature get the same answer
    const holder = id === undefined ? undefined : await this.keys.findClient(id);
    if (id === undefined || !holder?.jwks) throw wrong(UNKNOWN);
    const { claims, thumbprint } = await this.verified(assertion, id, holder.jwks);
    const { jti, iat = NaN } = claims;
    // a proof by the same key with the same jti is another use
    const refused = await this.tokens.takeOnce(
      holder.tenant,
      thumbprint,
      `client_assertion ${String(jti)}`,
      iat * 1_000,
    );
    if (refused !== undefined) throw wrong(refused);
    const caller = keyCaller(holder, this.pseudonyms);
    if (caller.kind !== 'key') throw wrong(UNKNOWN);
    return caller;
  }

  private async verified(
    assertion: string,
    id: string,
    jwks: ClientJwks,
  ): Promise<{ claims: JWTPayload; thumbprint: string }> {
    const now = systemClock.now();
    let thumbprint = '';
    const find: JWTVerifyGetKey = async ({ kid, alg }) => {
      const listed = jwks.keys.filter((each) => kid === undefined || each.kid === kid);
      const [key, ...others] = listed;
      if (!key || others.length > 0) throw new Error('its kid names no key of the client');
      if (key.alg !== undefined && key.alg !== alg) throw new Error('its alg is not that of the key');
      thumbprint = await calculateJwkThumbprint(key);
      return importJWK(key, alg);
    };
    try {
      const { payload, protectedHeader } = await jwtVerify(assertion, find, {
        issuer: id,
        subject: id,
        algorithms: [...ASSERTION_ALGORITHMS],
        clockTolerance: SKEW_MS / 1_000,
        requiredClaims: ['exp', 'iat', 'jti', 'aud'],
        currentDate: new Date(now),
      });
      const typ = protectedHeader.typ?.toLowerCase().replace(/^application\//, '');
      if (!TYPES.includes(typ)) throw new Error('its typ is of a token for another purpose');
      this.checkClaims(payload, now);
      return { claims: payload, thumbprint };
    } catch (error) {
      throw wrong((error as Error).message.slice(0, 200));
    }
  }

  /** It is for this installation alone: one that another server may use as well could be sent here by that server. */
  private checkClaims({ aud, jti, exp = 0 }: JWTPayload, now: number): void {
    const { issuer } = this.tokens;
    const [audience, ...others] = [aud].flat();
    if (others.length > 0 || (audience !== issuer && audience !== `${issuer}/oauth/token`))
      throw new Error('aud is not this installation alone');
    if (typeof jti !== 'string' || jti === '' || jti.length > 500) throw new Error('jti is not a text');
    if (exp * 1_000 > now + LIMITS.clientAssertionMs + SKEW_MS) throw new Error('it is valid for more than 5 minutes');
  }
}

const UNKNOWN = 'no client with this id has public keys';

const wrong = (why: string): OAuthRefused =>
  new OAuthRefused('invalid_client', `the client assertion cannot be used: ${why}`);

/** Reads which client an assertion names, before anything about it is verified. */
function clientNamedBy(assertion: string): string | undefined {
  try {
    const { iss, sub } = decodeJwt(assertion);
    return iss === sub ? keyId.safeParse(sub).data : undefined;
  } catch {
    return undefined;
  }
}
