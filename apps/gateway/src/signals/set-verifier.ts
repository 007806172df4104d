import { decodeJwt, decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from 'jose';
import { z } from 'zod';
import { canonicalDigest, sha256hex } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { Refused } from '@bailiwick/edge/refused';
import { IssuerUnreachable } from '../auth/issuers/bounded-fetch';
import { IssuerKeys } from '../auth/issuers/issuer-keys';
import { eventsClaim } from './signal-events';
import { subjectId, type SubjectId } from './signal-subjects';
import type { TransmitterConfig } from './transmitter-config';

/** Why a token is refused, in the codes of its delivery. @see RFC 8935 section 2.4 */
export class SetRefused extends Error {
  constructor(
    readonly err:
      | 'invalid_request'
      | 'invalid_key'
      | 'invalid_issuer'
      | 'invalid_audience'
      | 'authentication_failed'
      | 'access_denied',
    readonly description: string,
  ) {
    super(description);
  }
}

/** A security event token whose signature and claims are valid. */
export interface VerifiedSet {
  readonly subject: SubjectId;
  readonly events: z.infer<typeof eventsClaim>;
  /** `set:` and a digest of transmitter and `jti` */
  readonly id: string;
  /** of all claims but `iat` */
  readonly digest: string;
}

/** When tokens arrived, by the fetches of keys before it. */
export interface Arrival {
  readonly fetches: number;
}

const claims = z.looseObject({
  jti: z.string().min(1).max(LIMITS.signals.jtiChars),
  iat: z.number(),
  sub_id: subjectId,
  events: eventsClaim,
});
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/**
 * Verifies the security event tokens of one transmitter (RFC 8417, SSF 1.0 section 4). A token is verified whole before
 * anything remembers its `jti`: a forged one could otherwise block the genuine one.
 */
export class SetVerifier {
  private readonly keys: IssuerKeys;

  constructor(
    private readonly config: TransmitterConfig,
    private readonly now: () => number,
  ) {
    const { issuer, jwksUri } = config;
    this.keys = new IssuerKeys(issuer, jwksUri, now, metadataUrl(issuer));
  }

  /** Marks the arrival of tokens that are verified later. */
  arrival(): Arrival {
    return { fetches: this.keys.fetches };
  }

  /**
   * A key that is not known is only refused after the keys were fetched since the token arrived: it may be a new one, and
   * a transmitter does not deliver again what was refused.
   * @throws SetRefused; Refused NOT_READY if the keys of the transmitter cannot be read at the moment
   */
  async verify(text: string, arrival = this.arrival()): Promise<VerifiedSet> {
    this.checkForm(text);
    const payload = await this.verified(text, arrival);
    if (payload.exp !== undefined || payload.sub !== undefined)
      throw new SetRefused('invalid_request', 'the token has exp or sub, which a security event token has not');
    const parsed = claims.safeParse(payload);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new SetRefused('invalid_request', `${issue?.path.join('.') ?? 'the token'}: ${issue?.message ?? ''}`);
    }
    const { jti, iat, sub_id: subject, events } = parsed.data;
    this.checkAge(iat * 1_000);
    const { name, tenant } = this.config;
    const id = `set:${sha256hex(`${tenant}\n${name}\n${jti}`).slice(0, 32)}`;
    // a transmitter may sign a token again to deliver it again; the key would read as another event otherwise
    return { subject, events, id, digest: digestOf({ ...payload, iat: undefined }) };
  }

  /** Checks what is readable without a key. Nothing is fetched for a token that is not of this transmitter. */
  private checkForm(text: string): void {
    if (!COMPACT.test(text)) throw new SetRefused('invalid_request', 'the body is not a signed token');
    let header: ReturnType<typeof decodeProtectedHeader>;
    let payload: JWTPayload;
    try {
      [header, payload] = [decodeProtectedHeader(text), decodeJwt(text)];
    } catch {
      throw new SetRefused('invalid_request', 'the body is not a signed token');
    }
    const typ = typeof header.typ === 'string' ? header.typ.toLowerCase().replace(/^application\//, '') : undefined;
    if (typ !== 'secevent+jwt') throw new SetRefused('invalid_request', 'typ is not secevent+jwt');
    if (!this.config.algorithms.some((each) => each === header.alg))
      throw new SetRefused('invalid_key', 'alg is not one that this transmitter may use');
    if (payload.iss !== this.config.issuer) throw new SetRefused('invalid_issuer', 'iss is not this transmitter');
  }

  private async verified(text: string, { fetches }: Arrival): Promise<JWTPayload> {
    const { issuer, audience, algorithms, clockSkew } = this.config;
    try {
      const { payload } = await jwtVerify(text, this.keys.find, {
        ...{ issuer, audience, algorithms, clockTolerance: clockSkew },
        currentDate: new Date(this.now()),
      });
      return payload;
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey && !this.keys.hasFetchedSince(fetches))
        throw new Refused('NOT_READY', 'the key of the token is not known yet; deliver the token again');
      throw refusalOf(error);
    }
  }

  private checkAge(issuedAt: number): void {
    const { clockSkew, maxAge } = this.config;
    const age = this.now() - issuedAt;
    if (!(age >= -clockSkew * 1_000)) throw new SetRefused('invalid_request', 'iat is in the future');
    if (!(age <= (maxAge + clockSkew) * 1_000))
      throw new SetRefused('invalid_request', `iat is more than ${maxAge} seconds ago`);
  }
}

function refusalOf(error: unknown): SetRefused | Refused {
  if (error instanceof IssuerUnreachable || error instanceof errors.JWKSInvalid)
    return new Refused('NOT_READY', error.message);
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud')
    return new SetRefused('invalid_audience', 'aud is not this receiver');
  if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired)
    return new SetRefused('invalid_request', error.message);
  const ofKey =
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported ||
    error instanceof errors.JWSSignatureVerificationFailed;
  if (ofKey) return new SetRefused('invalid_key', 'the token is not signed with a key of this transmitter');
  return new SetRefused('invalid_request', 'the token cannot be read');
}

/** @throws SetRefused for claims without a canonical form */
function digestOf(payload: JWTPayload): string {
  try {
    return canonicalDigest(payload);
  } catch {
    throw new SetRefused('invalid_request', 'the token is nested too deeply, or has an unpaired surrogate');
  }
}

/** The well-known path goes between host and path of the issuer. @see SSF 1.0 section 7.2.1 */
function metadataUrl(issuer: string): string {
  const url = new URL(issuer);
  const path = url.pathname === '/' ? '' : url.pathname.replace(/\/$/, '');
  return `${url.origin}/.well-known/ssf-configuration${path}${url.search}`;
}
