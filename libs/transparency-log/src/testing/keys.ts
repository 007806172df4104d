import { createPrivateKey, type KeyObject } from 'node:crypto';

const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex'); // what DER puts before the 32 bytes of a seed

/** The same key every time: one byte, repeated, as its seed. For tests; anybody can sign with it. */
export function seededKey(seed: number | Buffer): KeyObject {
  const bytes = typeof seed === 'number' ? Buffer.alloc(32, seed) : seed;
  return createPrivateKey({ key: Buffer.concat([PKCS8, bytes]), format: 'der', type: 'pkcs8' });
}

/** The value of a result that must be one. */
export function valueOf<T>(result: { ok: true; value: T } | { ok: false; error: unknown }): T {
  if (!result.ok) throw new Error(`refused: ${String(result.error)}`);
  return result.value;
}

/** Why it was refused; fails where it was not. */
export function errorOf(result: { ok: true; value: unknown } | { ok: false; error: string }): string {
  if (result.ok)
    throw new Error(
      `accepted: ${JSON.stringify(result.value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each))}`,
    );
  return result.error;
}
