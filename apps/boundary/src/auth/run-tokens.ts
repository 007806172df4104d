import { createHmac, hash, randomBytes } from 'node:crypto';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import type { ProofView } from '@bailiwick/contracts/queries/query';
import { logName } from '@bailiwick/core/ids';
import type { OwnerClient } from '@bailiwick/edge/owners/owner-client';
import { Refused } from '@bailiwick/edge/refused';
import { Proofs } from '@bailiwick/edge/tokens/dpop-proofs';
import { claimsOf, proofOfToken, TOKEN_FORM, type TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import { BOUNDARY_LIMITS } from '../boundary-limits';

/** The head of a request, as far as it identifies the sender. */
export interface Presented {
  readonly authorization: string | undefined;
  readonly dpop: string | string[] | undefined;
  readonly method: string;
  /** the address of the request, by the configuration and not by its `Host` */
  readonly url: string;
}

export interface TokenOptions {
  /** the issuer of grant tokens: the gateway */
  readonly issuer: string;
  /** the address of this service, for which tokens may be issued */
  readonly resource: string;
  readonly keysUrl: string;
  /** the same for all processes of this service; left out: a random one */
  readonly nonceSecret?: string | undefined;
  readonly alwaysNonce: boolean;
  readonly now: () => number;
}

const CREDENTIAL = /^(bearer|dpop) +([\w.~+/=-]{8,8192})$/i;

/**
 * Identifies runs by their grant tokens, which the public keys of the gateway verify: this service cannot make a token.
 */
export class RunTokens {
  private readonly keys: ReturnType<typeof createRemoteJWKSet>;
  private readonly proofs: Proofs;
  private readonly known = new LRUCache<string, { readonly claims: TokenClaims; readonly until: number }>({
    max: BOUNDARY_LIMITS.tokensKept,
  });

  constructor(
    private readonly options: TokenOptions,
    owners: Pick<OwnerClient, 'query'>,
  ) {
    this.keys = createRemoteJWKSet(new URL(options.keysUrl), { cooldownDuration: 1_000, timeoutDuration: 5_000 });
    const secret = createHmac('sha256', options.nonceSecret ?? randomBytes(32))
      .update('DPoP nonces of the boundary')
      .digest();
    this.proofs = new Proofs(
      options.now,
      secret,
      (tenant, use) => owners.query<ProofView>({ op: 'proof', log: logName(tenant, 0), ...(use ? { use } : {}) }),
      { alwaysNonce: options.alwaysNonce },
    );
  }

  /** @throws Refused UNAUTHENTICATED, DPOP_INVALID, or NOT_READY if the keys cannot be read (I11) */
  async identify({ authorization, dpop, method, url }: Presented): Promise<TokenClaims> {
    const [, scheme = '', token = ''] = CREDENTIAL.exec(authorization ?? '') ?? [];
    if (!token.startsWith('eyJ'))
      throw new Refused('UNAUTHENTICATED', 'send the grant token of a run as Authorization: Bearer or DPoP');
    const claims = await this.verify(token);
    if (claims.audience?.some((each) => isBelow(url, each)) === false)
      throw new Refused('UNAUTHENTICATED', 'the grant token is for another resource');
    if (claims.jkt === undefined) {
      if (scheme.toLowerCase() === 'bearer') return claims;
      throw new Refused('UNAUTHENTICATED', 'this token is not bound to a key; send it as Bearer');
    }
    if (scheme.toLowerCase() !== 'dpop' || typeof dpop !== 'string')
      throw new Refused(
        'DPOP_INVALID',
        'this token is bound to a key: send Authorization: DPoP <token> and one DPoP proof (RFC 9449)',
      );
    await this.proofs.take(await proofOfToken({ proof: dpop, token, claims, method, url }));
    return claims;
  }

  private async verify(token: string): Promise<TokenClaims> {
    const { issuer, resource, now } = this.options;
    const digest = hash('sha256', token, 'base64');
    const known = this.known.get(digest);
    if (known && known.until > now()) return known.claims;
    this.known.delete(digest);
    try {
      const { payload } = await jwtVerify(token, this.keys, { issuer, ...TOKEN_FORM, currentDate: new Date(now()) });
      const claims = claimsOf(payload, issuer, (each) => each === issuer || isBelow(each, resource));
      this.known.set(digest, { claims, until: Math.min(claims.expiresAt, now() + BOUNDARY_LIMITS.tokenKeptMs) });
      return claims;
    } catch (error) {
      if (areKeysMissing(error)) throw new Refused('NOT_READY', 'the keys of grant tokens cannot be read; try again');
      throw new Refused('UNAUTHENTICATED', `the grant token is not valid: ${(error as Error).message}`);
    }
  }
}

const isBelow = (url: string, resource: string): boolean => url === resource || url.startsWith(`${resource}/`);

/** A failure to read the keys is no statement about a token. */
const areKeysMissing = (error: unknown): boolean =>
  error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError)
    ? !/claim|audience|cnf/.test(String(error))
    : false;
