import { createHmac, hkdfSync } from 'node:crypto';

export { payloadOf } from '@bailiwick/edge/payload';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** Returns the id by which events name an actor: a shared key, `key:…`, is no person, and named as itself. */
export const actorIdOf = (pseudonyms: Pick<Pseudonyms, 'ref'>, tenant: string, who: string): string =>
  who.startsWith('key:') ? who : pseudonyms.ref(tenant, 'person', who);

/**
 * Makes refs for persons and free texts: HMAC-SHA256 with a key of this installation, per tenant. The same input gives the
 * same ref, so that rules can match refs. Guessing an input requires the key.
 */
export class Pseudonyms {
  constructor(private readonly key: Buffer) {
    if (key.length < 32) throw new Error('the pseudonym key must have at least 32 bytes');
  }

  /** Identifies the key without revealing it: installations with equal fingerprints make equal refs. */
  get fingerprint(): string {
    return `sha256:${createHmac('sha256', this.key).update('the key itself').digest('hex')}`;
  }

  /** Returns a key of 32 bytes for another purpose; the same at every gateway. */
  keyFor(purpose: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.key, '', `bailiwick ${purpose}`, 32));
  }

  ref(tenant: string, kind: 'person' | 'purpose', text: string): string {
    const plain = text
      .normalize('NFKC')
      .replace(/\p{Cf}/gu, '')
      .trim();
    // the same person in any letter case
    const normal = kind === 'person' ? plain.toLowerCase() : plain;
    const hash = createHmac('sha256', this.key).update(`${tenant}\n${kind}\n${normal}`).digest();
    let bits = BigInt(`0x${hash.toString('hex')}`);
    let out = '';
    for (let i = 0; i < 26; i++) {
      out += ALPHABET.charAt(Number(bits & 31n));
      bits >>= 5n;
    }
    return `ref_${out}`;
  }

  /**
   * Returns the HMAC of the digest of a value, per tenant: equal values have equal ones, and guessing a value requires the
   * key. 96 bits, base64url.
   */
  value(tenant: string, digest: string): string {
    const hash = createHmac('sha256', this.key).update(`${tenant}\nvalue\n${digest}`).digest();
    return hash.toString('base64url', 0, 12);
  }
}
