import { createHmac, randomFillSync } from 'node:crypto';
import type { Payload } from '@bailiwick/contracts/event';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * Names a person or a free text without saying it: HMAC-SHA256 under a key of this installation, per tenant. The same
 * input gives the same ref, so that rules can match it; without the key nobody can try names against it.
 */
export class Pseudonyms {
  constructor(private readonly key: Buffer) {
    if (key.length < 32) throw new Error('the pseudonym key must have 32 bytes');
  }

  /** Names the key: the same where refs are the same. It tells nothing about it. */
  get fingerprint(): string {
    return `sha256:${createHmac('sha256', this.key).update('the key itself').digest('hex')}`;
  }

  ref(tenant: string, kind: 'person' | 'purpose', text: string): string {
    const plain = text
      .normalize('NFKC')
      .replace(/\p{Cf}/gu, '')
      .trim();
    // a person is the same one however she is spelt
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
}

/** Personal data on its way beside an event, with the salt of its digest. */
export function payloadOf(value: Record<string, unknown>): Payload {
  const told = Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
  return { salt: salt(), value: told };
}

const SALT_BYTES = 16;
const pool = Buffer.alloc(256 * SALT_BYTES);
let used = pool.length;

/** Random bytes are fetched for many at once: asking for them costs more than they do. None is used twice. */
function salt(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += SALT_BYTES;
  return pool.toString('base64url', used - SALT_BYTES, used);
}
