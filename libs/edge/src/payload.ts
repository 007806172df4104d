import { randomFillSync } from 'node:crypto';
import type { Payload } from '@bailiwick/contracts/events/event';

/** Makes the payload of an event: personal data, with the salt of its digest. */
export function payloadOf(value: Record<string, unknown>): Payload {
  const given = Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
  return { salt: salt(), value: given };
}

const SALT_BYTES = 16;
const pool = Buffer.alloc(256 * SALT_BYTES);
let used = pool.length;

/** Takes random bytes from a pool, since each call of the generator is expensive. No byte is used twice. */
function salt(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += SALT_BYTES;
  return pool.toString('base64url', used - SALT_BYTES, used);
}
