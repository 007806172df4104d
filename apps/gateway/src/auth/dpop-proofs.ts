import { createHmac, hash, randomBytes } from 'node:crypto';
import { LIMITS } from '@bailiwick/core/limits';
import { Refused } from '../http/problems/problem';

/** The claims of a proof whose signature is valid. */
export interface Proof {
  readonly tenant: string;
  readonly thumbprint: string;
  readonly jti: unknown;
  /** in ms; NaN if the proof has none */
  readonly issuedAt: number;
  readonly nonce: unknown;
}

export interface ProofOptions {
  /** when this process started, in ms: an earlier process may have accepted older proofs. Left out if there was none */
  readonly since?: number;
  /** requires a nonce of this process in every proof, for several gateways that serve the same tenants */
  readonly alwaysNonce?: boolean;
}

interface Taken {
  readonly at: number;
  readonly key: string;
}

/** How far ahead a proof without a nonce may be, and so how new a proof was that an earlier process accepted. */
const AHEAD_MS = 2_000;
const NONCE_MS = 60_000;

/**
 * Accepts each DPoP proof once (RFC 9449 §11.1). A process remembers an accepted proof until the proof expires; forgetting
 * it earlier would allow a replay. So a key or a tenant that has used up its share is refused and takes no memory from
 * others. A proof that another process could have accepted, an earlier or a concurrent one, needs a nonce that only this
 * process issues (RFC 9449 §8).
 */
export class Proofs {
  /** tenant → digest of the proof → when it was accepted, oldest first */
  private readonly taken = new Map<string, Map<string, Taken>>();
  /** tenant and key → number of remembered proofs */
  private readonly perKey = new Map<string, number>();
  private all = 0;
  private readonly secret = randomBytes(32);

  constructor(
    private readonly now: () => number,
    private readonly options: ProofOptions = {},
  ) {}

  /** @throws Refused DPOP_INVALID, or TOO_MANY if the key or the tenant has used up its share */
  take({ tenant, thumbprint, jti, issuedAt, nonce }: Proof): void {
    const now = this.now();
    if (!(Math.abs(now - issuedAt) < LIMITS.dpopProofMs / 2)) throw invalid('iat is not within a minute of now');
    if (typeof jti !== 'string' || jti === '') throw invalid('it has no jti');
    if (nonce === undefined ? this.needsNonce(issuedAt, now) : !this.isOurs(nonce, now)) throw this.challenge(now);
    this.forget(tenant, now);
    const mine = this.taken.get(tenant) ?? new Map<string, Taken>();
    const id = hash('sha256', `${thumbprint}\n${jti}`, 'base64');
    if (mine.has(id)) throw invalid('it was used before');
    const key = `${tenant}\n${thumbprint}`;
    const ofKey = this.perKey.get(key) ?? 0;
    if (ofKey >= LIMITS.dpopProofsPerKey || !this.hasRoom(mine.size))
      throw new Refused('TOO_MANY', 'too many DPoP proofs within two minutes; try again later');
    mine.set(id, { at: now, key });
    this.taken.set(tenant, mine);
    this.perKey.set(key, ofKey + 1);
    this.all += 1;
  }

  /** Reports whether one more proof may be remembered. A tenant below its assured share is never refused. */
  private hasRoom(mine: number): boolean {
    if (mine < LIMITS.dpopProofsAssured) return true;
    if (this.all >= LIMITS.dpopProofs) for (const tenant of this.taken.keys()) this.forget(tenant, this.now());
    return mine < LIMITS.dpopProofsPerTenant && this.all < LIMITS.dpopProofs;
  }

  private forget(tenant: string, now: number): void {
    const mine = this.taken.get(tenant);
    if (!mine) return;
    for (const [id, { at, key }] of mine) {
      if (at > now - LIMITS.dpopProofMs) break;
      mine.delete(id);
      this.all -= 1;
      const left = (this.perKey.get(key) ?? 1) - 1;
      if (left > 0) this.perKey.set(key, left);
      else this.perKey.delete(key);
    }
    if (mine.size === 0) this.taken.delete(tenant);
  }

  private needsNonce(issuedAt: number, now: number): boolean {
    const { since, alwaysNonce } = this.options;
    if (alwaysNonce) return true;
    return since !== undefined && (issuedAt < since + AHEAD_MS || issuedAt > now + AHEAD_MS);
  }

  private challenge(now: number): Refused {
    return new NonceWanted(this.nonce(now));
  }

  /** Reports whether this process issued the nonce in this minute or the previous one. */
  private isOurs(nonce: unknown, now: number): boolean {
    return nonce === this.nonce(now) || nonce === this.nonce(now - NONCE_MS);
  }

  private nonce(now: number): string {
    return createHmac('sha256', this.secret)
      .update(String(Math.floor(now / NONCE_MS)))
      .digest('base64url');
  }
}

/** Refuses a proof without a nonce of this process and supplies the nonce (RFC 9449 §8). */
export class NonceWanted extends Refused {
  constructor(readonly nonce: string) {
    super(
      'DPOP_INVALID',
      'the DPoP proof is not valid: it may have been used at another process; send a proof with the nonce of the DPoP-Nonce header',
    );
  }
}

const invalid = (why: string): Refused => new Refused('DPOP_INVALID', `the DPoP proof is not valid: ${why}`);
