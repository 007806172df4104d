import type { KeyObject } from 'node:crypto';
import { decodeProtectedHeader, jwtVerify, SignJWT, type JWTPayload, type JWTVerifyOptions } from 'jose';
import { LRUCache } from 'lru-cache';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import { digestOf } from './api-keys';
import type { Proofs } from '@bailiwick/edge/tokens/dpop-proofs';
import {
  actorOf,
  claimsOf,
  proofOfToken,
  readProof,
  TOKEN_FORM,
  useOf,
  type TokenClaims,
} from '@bailiwick/edge/tokens/grant-token';
import { Refused } from '../http/problems/problem';
import type { TokenKeys } from './token-keys';

/** What a token states in addition to its grant. */
export interface Statements {
  /** the runs above the acting one, nearest first; left out: only its parent */
  readonly above?: readonly string[] | undefined;
  /** the resources that the token is for (RFC 8707); left out: this installation */
  readonly audience?: readonly string[] | undefined;
}

/** A token that was verified, with all its claims. */
export interface VerifiedToken {
  readonly claims: TokenClaims;
  readonly payload: JWTPayload;
}

/** Verified tokens in the cache. */
const SEEN_MOST = 100_000;

/**
 * Mints and verifies grant tokens: EdDSA JWTs (RFC 7519, RFC 8037) with the claims of RFC 9068, optionally bound to a key
 * (RFC 9449). `sub` is the principal, `act` the acting run with those above it nested in it (RFC 8693 section 4.1).
 */
export class GrantTokens {
  private known = new LRUCache<string, TokenClaims>({ max: SEEN_MOST });
  private generation: string;

  constructor(
    readonly keys: TokenKeys,
    readonly issuer: string,
    private readonly now: () => number,
    private readonly proofs: Proofs,
  ) {
    this.generation = keys.generation;
  }

  /** Mints the token of a grant, always the same for a key: Ed25519 is deterministic, and all claims derive from the grant. */
  async mint(tenant: string, run: RunView, grant: GrantView, { above, audience }: Statements = {}): Promise<string> {
    const { jkt } = grant.limits.session;
    const line = [run.id, ...(above ?? (run.parentRunId === undefined ? [] : [run.parentRunId]))];
    const issuedAt = Math.floor(Date.parse(grant.issuedAt) / 1_000);
    return this.sign('at+jwt', {
      tenant,
      grant: grant.id,
      tree: grant.treeId,
      // once a person is erased, the token names the tree
      sub: run.requestedBy ?? grant.treeId,
      act: actorOf(line),
      client_id: run.id,
      ...(jkt === undefined ? {} : { cnf: { jkt } }),
      aud: audienceOf(audience ?? [this.issuer]),
      jti: `${grant.id}.${issuedAt}`,
      iat: issuedAt,
      exp: Math.ceil(Date.parse(grant.limits.time.expiresAt) / 1_000),
    });
  }

  /** Signs claims as this installation. */
  sign(typ: string, claims: JWTPayload): Promise<string> {
    const { kid, key } = this.keys.signing;
    return new SignJWT({ iss: this.issuer, ...claims }).setProtectedHeader({ alg: 'EdDSA', typ, kid }).sign(key);
  }

  /**
   * Verifies a token. The result is cached until the token is sent after its end, others displace it, or the keys change.
   * @param digest the digest of the token, if the caller has it
   */
  async verify(token: string, digest: string = digestOf(token)): Promise<TokenClaims> {
    if (this.generation !== this.keys.generation) this.forget();
    const known = this.known.get(digest);
    if (known && known.expiresAt > this.now()) return known;
    this.known.delete(digest);
    const { claims } = await this.read(token);
    this.known.set(digest, claims);
    return claims;
  }

  /**
   * Verifies a token and returns all its claims.
   * @param forAny accepts a token for any resource; left out: only one for this installation, or for a part of it
   */
  async read(token: string, { forAny = false }: { forAny?: boolean } = {}): Promise<VerifiedToken> {
    try {
      const payload = await this.verified(token);
      const claims = claimsOf(payload, this.issuer, (each) => forAny || this.isOurs(each));
      return { claims, payload };
    } catch (error) {
      throw new Refused('UNAUTHENTICATED', `the grant token is not valid: ${(error as Error).message}`);
    }
  }

  /** Reports whether a resource is this installation or a part of it. */
  isOurs(resource: string): boolean {
    return resource === this.issuer || resource.startsWith(`${this.issuer}/`);
  }

  /**
   * Checks that a proof is signed with the key of the token, names this method and address, is fresh, and was not used
   * before.
   * @see RFC 9449 §4.3
   */
  async checkProof(proof: string, token: string, claims: TokenClaims, method: string, url: string): Promise<void> {
    await this.proofs.take(await proofOfToken({ proof, token, claims, method, url }));
  }

  /**
   * Checks the proof of a request for a token, which has no token yet, and always needs a nonce.
   * @returns the thumbprint of its key, to which the new token is bound
   * @see RFC 9449 §5, §8
   */
  async checkTokenProof(proof: string, tenant: string, method: string, url: string): Promise<string> {
    const { payload, thumbprint } = await readProof(proof, method, url);
    await this.proofs.take(useOf(tenant, thumbprint, payload), true);
    return thumbprint;
  }

  /** Accepts a signed statement once at all gateways. @returns why it is refused; undefined if it is accepted */
  takeOnce(...once: Parameters<Proofs['takeOnce']>): Promise<string | undefined> {
    return this.proofs.takeOnce(...once);
  }

  /** Verifies signature, issuer, type and time. A `kid` only selects among our own keys. */
  private async verified(token: string): Promise<JWTPayload> {
    const options: JWTVerifyOptions = {
      issuer: this.issuer,
      ...TOKEN_FORM,
      currentDate: new Date(this.now()),
    };
    const keys = this.keys.candidates(decodeProtectedHeader(token).kid);
    if (keys.length === 0) throw new Error('no key of this installation has its kid');
    return firstThatVerifies(token, keys, options);
  }

  private forget(): void {
    this.generation = this.keys.generation;
    this.known = new LRUCache({ max: SEEN_MOST });
  }
}

async function firstThatVerifies(
  token: string,
  keys: readonly KeyObject[],
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  let failure: unknown;
  for (const key of keys)
    try {
      return (await jwtVerify(token, key, options)).payload;
    } catch (error) {
      failure = error;
    }
  throw failure;
}

export const audienceOf = (audience: readonly string[]): string | string[] =>
  audience.length === 1 ? (audience[0] as string) : [...audience];
