import { LIMITS } from './limits';

/** The use of a DPoP proof whose signature is valid (RFC 9449). */
export interface ProofUse {
  readonly tenant: string;
  /** of the key that signed it */
  readonly thumbprint: string;
  /** identifies the proof among those of its key */
  readonly id: string;
  /** in ms */
  readonly issuedAt: number;
  /** whether it names a nonce that was issued for this memory */
  readonly hasNonce: boolean;
}

/** `used`: before; `full`: the key or the tenant has used up its share; `nonce`: another memory may have accepted it. */
export type ProofVerdict = 'taken' | 'used' | 'full' | 'nonce';

interface Taken {
  readonly at: number;
  readonly key: string;
}

/** How far ahead a proof without a nonce may be, and so how new a proof was that an earlier memory accepted. */
const AHEAD_MS = 2_000;

/**
 * Accepts each DPoP proof once (RFC 9449 section 11.1). An accepted proof is remembered until it expires; forgetting it
 * earlier would allow a replay. So a key or a tenant that has used up its share is refused and takes no memory from
 * others. A proof that an earlier memory could have accepted needs a nonce that was issued for this one (RFC 9449
 * section 8).
 */
export class ProofMemory {
  /** tenant → id of the proof → when it was accepted, oldest first */
  private readonly taken = new Map<string, Map<string, Taken>>();
  /** tenant and key → number of remembered proofs */
  private readonly perKey = new Map<string, number>();
  private all = 0;

  constructor(private readonly now: () => number) {}

  /** @param since when this memory became the one of the tenant, in ms; left out if there was none before it */
  take({ tenant, thumbprint, id, issuedAt, hasNonce }: ProofUse, since?: number): ProofVerdict {
    const now = this.now();
    if (!hasNonce && since !== undefined && (issuedAt < since + AHEAD_MS || issuedAt > now + AHEAD_MS)) return 'nonce';
    this.forget(tenant, now);
    const mine = this.taken.get(tenant) ?? new Map<string, Taken>();
    const key = `${tenant}\n${thumbprint}`;
    const own = `${thumbprint}\n${id}`;
    if (mine.has(own)) return 'used';
    const ofKey = this.perKey.get(key) ?? 0;
    if (ofKey >= LIMITS.dpopProofsPerKey || !this.hasRoom(mine.size)) return 'full';
    mine.set(own, { at: now, key });
    this.taken.set(tenant, mine);
    this.perKey.set(key, ofKey + 1);
    this.all += 1;
    return 'taken';
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
      if (at > now - LIMITS.dpopProofKeptMs) break;
      mine.delete(id);
      this.all -= 1;
      const left = (this.perKey.get(key) ?? 1) - 1;
      if (left > 0) this.perKey.set(key, left);
      else this.perKey.delete(key);
    }
    if (mine.size === 0) this.taken.delete(tenant);
  }
}
