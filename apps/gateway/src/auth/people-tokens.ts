import { LIMITS } from '@bailiwick/core/limits';
import { LRUCache } from 'lru-cache';
import type { Issuers } from './issuers/issuers';
import { signedIn, type SignedIn } from './issuers/people';

/** People who present tokens of configured issuers. */
export class People {
  private readonly known = new LRUCache<string, { readonly person: SignedIn; readonly until: number }>({
    max: LIMITS.issuers.tokensKept,
  });

  constructor(
    private readonly issuers: Issuers,
    private readonly now: () => number,
    /** where the uses of tokens are recorded */
    private readonly signIns?: { used(person: SignedIn, digest: string): void },
  ) {}

  /** Reports whether a token names a configured issuer; any other is a grant token, or nothing. */
  issued(token: string, digest: string): boolean {
    return this.known.has(digest) || (!this.issuers.none && this.issuers.namedBy(token) !== undefined);
  }

  /**
   * Verifies a token and reads its person. The result is cached for a minute, so that a key that the issuer has withdrawn
   * counts no longer than that.
   * @throws Refused UNAUTHENTICATED or NOT_READY
   */
  async signedIn(token: string, digest: string): Promise<SignedIn> {
    const known = this.known.get(digest);
    const now = this.now();
    if (known && known.until > now) return known.person;
    this.known.delete(digest);
    const person = signedIn(await this.issuers.verify(token));
    this.signIns?.used(person, digest);
    this.known.set(digest, { person, until: Math.min(person.expiresAt, now + LIMITS.issuers.tokenKeptMs) });
    return person;
  }
}
