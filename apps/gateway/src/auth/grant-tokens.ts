import { hash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, decodeProtectedHeader, EmbeddedJWK, jwtVerify, SignJWT } from 'jose';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { jkt, type GrantView, type RunView } from '@bailiwick/contracts/grants/grant';
import { isSameAddress } from '../http/addresses';
import { digestOf } from './api-keys';
import { Proofs, type ProofOptions } from './dpop-proofs';
import { Refused } from '../http/problems/problem';

/** The claims of a grant token. It identifies a grant and carries no authority: every decision reads the live grant. */
export interface TokenClaims {
  readonly tenant: string;
  readonly runId: string;
  readonly grantId: string;
  readonly jkt: string | undefined;
  readonly expiresAt: number;
}

/** Verified tokens in the cache. */
const SEEN_MOST = 100_000;

/** Mints and verifies grant tokens: EdDSA JWTs (RFC 7519, RFC 8037), optionally bound to a key (RFC 9449). */
export class GrantTokens {
  private readonly key: KeyObject;
  private readonly publicKey: KeyObject;
  private readonly known = new LRUCache<string, TokenClaims>({ max: SEEN_MOST });
  private readonly proofs: Proofs;

  constructor(
    pem: string,
    private readonly issuer: string,
    private readonly now: () => number,
    options: ProofOptions = {},
  ) {
    this.proofs = new Proofs(now, options);
    this.key = createPrivateKey(pem);
    this.publicKey = createPublicKey(this.key);
  }

  /** Mints the token of a grant, always the same: Ed25519 is deterministic, and all claims derive from the grant. */
  async mint(tenant: string, run: RunView, grant: GrantView): Promise<string> {
    const { jkt } = grant.limits.session;
    return new SignJWT({
      tenant,
      grant: grant.id,
      tree: grant.treeId,
      ...(run.parentRunId === undefined ? {} : { act: { sub: run.parentRunId } }),
      ...(jkt === undefined ? {} : { cnf: { jkt } }),
    })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt' })
      .setIssuer(this.issuer)
      .setAudience(this.issuer)
      .setSubject(run.id)
      .setJti(grant.id)
      .setIssuedAt(Math.floor(Date.parse(grant.issuedAt) / 1_000))
      .setExpirationTime(Math.ceil(Date.parse(grant.limits.time.expiresAt) / 1_000))
      .sign(this.key);
  }

  /**
   * Verifies a token. The result is cached until the token is sent after its end, or others displace it.
   * @param digest the digest of the token, if the caller has it
   */
  async verify(token: string, digest: string = digestOf(token)): Promise<TokenClaims> {
    const known = this.known.get(digest);
    if (known && known.expiresAt > this.now()) return known;
    this.known.delete(digest);
    try {
      const { payload } = await jwtVerify(token, this.publicKey, {
        issuer: this.issuer,
        audience: this.issuer,
        algorithms: ['EdDSA'],
        typ: 'at+jwt',
        requiredClaims: ['exp'],
        currentDate: new Date(this.now()),
      });
      const claims: TokenClaims = {
        tenant: text(payload.tenant),
        runId: text(payload.sub),
        grantId: text(payload.grant),
        jkt: boundTo(payload.cnf),
        expiresAt: (payload.exp ?? 0) * 1_000,
      };
      this.known.set(digest, claims);
      return claims;
    } catch (error) {
      throw new Refused('UNAUTHENTICATED', `the grant token is not valid: ${(error as Error).message}`);
    }
  }

  /**
   * Checks that a proof is signed with the key of the token, names this method and address, is fresh, and was not used
   * before.
   * @see RFC 9449 §4.3
   */
  async checkProof(proof: string, token: string, claims: TokenClaims, method: string, url: string): Promise<void> {
    const no = (why: string): Refused => new Refused('DPOP_INVALID', `the DPoP proof is not valid: ${why}`);
    let payload: Record<string, unknown>;
    let thumbprint: string;
    try {
      const verified = await jwtVerify(proof, EmbeddedJWK, {
        typ: 'dpop+jwt',
        algorithms: ['EdDSA', 'Ed25519', 'ES256', 'ES384', 'PS256', 'RS256'],
      });
      payload = verified.payload;
      const { jwk } = decodeProtectedHeader(proof);
      if (!jwk || 'd' in jwk) throw new Error('the header has no public key in jwk');
      thumbprint = await calculateJwkThumbprint(jwk, 'sha256');
    } catch (error) {
      throw no((error as Error).message);
    }
    if (payload.htm !== method) throw no('htm is not the method of the request');
    if (!isSameAddress(payload.htu, url)) throw no('htu is not the address of the request');
    if (payload.ath !== hash('sha256', token, 'base64url')) throw no('ath is not the digest of the token');
    if (thumbprint !== claims.jkt) throw no('its key is not the one that the token is bound to');
    const { jti, iat, nonce } = payload;
    this.proofs.take({ tenant: claims.tenant, thumbprint, jti, issuedAt: Number(iat) * 1_000, nonce });
  }
}

function text(value: unknown): string {
  if (typeof value !== 'string' || value === '') throw new Error('a claim is missing');
  return value;
}

/** Returns the thumbprint of the key that a token is bound to. An unknown kind of binding is an error (I11). */
function boundTo(cnf: unknown): string | undefined {
  if (cnf === undefined) return undefined;
  const parsed = z.strictObject({ jkt }).safeParse(cnf);
  if (!parsed.success) throw new Error('cnf names no key thumbprint');
  return parsed.data.jkt;
}
