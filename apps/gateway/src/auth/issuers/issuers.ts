import { decodeJwt, jwtVerify, type JWTPayload } from 'jose';
import { Refused } from '../../http/problems/problem';
import type { IssuerConfig } from './issuer-config';
import { IssuerUnreachable } from './bounded-fetch';
import { IssuerKeys } from './issuer-keys';

/** A token of a configured issuer whose signature, issuer, audience, type and times are valid. */
export interface VerifiedToken {
  readonly issuer: IssuerConfig;
  readonly claims: JWTPayload & { readonly sub: string; readonly exp: number };
}

export interface Expected {
  /** accepted `typ` values, in lower case without `application/`; `undefined` accepts a token without one */
  readonly types: readonly (string | undefined)[];
  /** left out: that of the issuer's configuration */
  readonly audience?: string | readonly string[];
  /** the client to which the issuer has just issued the token; left out: one of the issuer's configuration */
  readonly client?: string;
}

/** An access token (RFC 9068) or an ID token. Tokens of other purposes have other types and are refused. */
const OF_PEOPLE: Expected = { types: ['at+jwt', 'jwt', undefined] };

/**
 * Verifies JWTs of the configured issuers. The issuer that a token names only selects its configuration: nothing is
 * fetched for an issuer that is not configured, and each token is verified with the keys of the issuer that it names alone.
 */
export class Issuers {
  private readonly byName: ReadonlyMap<string, { readonly config: IssuerConfig; readonly keys: IssuerKeys }>;

  constructor(
    configured: readonly IssuerConfig[],
    private readonly now: () => number,
  ) {
    this.byName = new Map(
      configured.map((config) => [config.issuer, { config, keys: new IssuerKeys(config.issuer, config.jwksUri, now) }]),
    );
  }

  /** Whether no issuer is configured. */
  get none(): boolean {
    return this.byName.size === 0;
  }

  get configured(): readonly IssuerConfig[] {
    return [...this.byName.values()].map(({ config }) => config);
  }

  /** Returns the names of the issuers whose people may have access to a tenant. */
  ofTenant(tenant: string): string[] {
    const admits = ({ tenant: of }: IssuerConfig): boolean =>
      typeof of === 'string' ? of === tenant : Object.values(of.values).includes(tenant);
    return this.configured.filter(admits).map(({ issuer }) => issuer);
  }

  /** Returns the configured issuer that a token names, before anything about the token is verified. */
  namedBy(token: string): IssuerConfig | undefined {
    try {
      return this.byName.get(decodeJwt(token).iss ?? '')?.config;
    } catch {
      return undefined;
    }
  }

  /**
   * @throws Refused UNAUTHENTICATED; NOT_READY if the keys of the issuer cannot be read at the moment
   */
  async verify(token: string, expected: Expected = OF_PEOPLE): Promise<VerifiedToken> {
    const issuer = this.namedBy(token);
    const found = issuer && this.byName.get(issuer.issuer);
    if (!found) throw invalid('its issuer is not configured');
    const { config, keys } = found;
    try {
      const { payload, protectedHeader } = await jwtVerify(token, keys.find, {
        issuer: config.issuer,
        audience: listOf(expected.audience ?? config.audience),
        algorithms: [...config.algorithms],
        clockTolerance: config.clockSkew,
        requiredClaims: ['sub', 'exp', 'iat'],
        currentDate: new Date(this.now()),
      });
      checkType(protectedHeader.typ, expected.types);
      checkTimes(payload, config, this.now());
      if (expected.client === undefined) checkClient(payload, config);
      else checkIssuedTo(payload, expected.client);
      if (payload.cnf !== undefined)
        throw new Error('it is bound to a key (cnf), and tokens of people are accepted as Bearer tokens only');
      if (typeof payload.sub !== 'string' || payload.sub === '') throw new Error('sub is not a text');
      return { issuer: config, claims: payload as VerifiedToken['claims'] };
    } catch (error) {
      if (error instanceof IssuerUnreachable) throw new Refused('NOT_READY', error.message);
      throw invalid((error as Error).message);
    }
  }
}

const listOf = (texts: string | readonly string[]): string[] => (typeof texts === 'string' ? [texts] : [...texts]);

const invalid = (why: string): Refused =>
  new Refused('UNAUTHENTICATED', `the token is not valid: ${why.slice(0, 300)}`);

function checkType(typ: string | undefined, types: Expected['types']): void {
  const normal = typ?.toLowerCase().replace(/^application\//, '');
  if (!types.includes(normal)) throw new Error(`its typ ${String(typ).slice(0, 80)} is of a token for another purpose`);
}

/** `exp` and `nbf` are checked by the library. */
function checkTimes({ iat = 0, exp = 0 }: JWTPayload, { clockSkew, maxLifetime }: IssuerConfig, now: number): void {
  if (iat > now / 1_000 + clockSkew) throw new Error('iat is in the future');
  if (exp - iat > maxLifetime) throw new Error(`it is valid for longer than ${maxLifetime} s`);
}

/** The party that the token was issued to, in the spellings of several issuers. OpenID Connect Core section 2. */
function checkClient(claims: JWTPayload, { clients }: IssuerConfig): void {
  if (!clients) return;
  const named = [claims.azp, claims.client_id, claims.cid, claims.appid].filter((each) => each !== undefined);
  if (named.length === 0) throw new Error('it names no client (azp, client_id)');
  if (!named.every((each) => typeof each === 'string' && clients.includes(each)))
    throw new Error('it was issued to a client that is not configured');
}

/** An ID token of several audiences names the one that asked for it. OpenID Connect Core section 3.1.3.7 */
function checkIssuedTo({ aud, azp }: JWTPayload, client: string): void {
  const isOnly = [aud].flat().length === 1;
  if (azp === undefined ? !isOnly : azp !== client) throw new Error('it was issued to another client');
}
