import { createPrivateKey, type KeyObject } from 'node:crypto';

const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex'); // the DER prefix of the 32 bytes of a seed

/** Derives a key deterministically from a seed of one repeated byte. For tests only: the key is public knowledge. */
export function seededKey(seed: number | Buffer): KeyObject {
  const bytes = typeof seed === 'number' ? Buffer.alloc(32, seed) : seed;
  return createPrivateKey({ key: Buffer.concat([PKCS8, bytes]), format: 'der', type: 'pkcs8' });
}

/** Returns the value of a result; fails for an error. */
export function valueOf<T>(result: { ok: true; value: T } | { ok: false; error: unknown }): T {
  if (!result.ok) throw new Error(`refused: ${String(result.error)}`);
  return result.value;
}

/** Returns the error of a result; fails for a value. */
export function errorOf(result: { ok: true; value: unknown } | { ok: false; error: string }): string {
  if (result.ok)
    throw new Error(
      `accepted: ${JSON.stringify(result.value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each))}`,
    );
  return result.error;
}
