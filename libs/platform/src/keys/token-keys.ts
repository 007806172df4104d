import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseExactly } from '@bailiwick/core/json';
import { z } from 'zod';
import { changeFile } from '../change-file';

/** The public form of an Ed25519 key (RFC 8037) as `/oauth/jwks` has it. */
export interface TokenJwk {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
  readonly kid: string;
  readonly use: 'sig';
  readonly alg: 'EdDSA';
}

const retiredKeys = z
  .array(
    z.strictObject({
      /** public part of the key, base64url */
      x: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
      /** end of the last token that it signed */
      until: z.iso.datetime(),
    }),
  )
  .max(100);
export type RetiredKeys = z.infer<typeof retiredKeys>;

/** The file of the former keys, next to that of the signing key. */
export const retiredFile = (keyFile: string): string => keyFile.replace(/\.pem$/, '.retired.json');

/** Reads the former signing keys; empty if the file does not exist. @throws Error that states what is wrong in it */
export function readRetiredKeys(file: string): RetiredKeys {
  if (!existsSync(file)) return [];
  const parsed = retiredKeys.safeParse(parseExactly(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data;
  throw new Error(`${file}: ${parsed.error.issues[0]?.message ?? 'is malformed'}`);
}

/** Returns the public form of a key, with its thumbprint (RFC 7638) as `kid`. */
export function jwkOf(x: string): TokenJwk {
  const kid = createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url');
  return { kty: 'OKP', crv: 'Ed25519', x, kid, use: 'sig', alg: 'EdDSA' };
}

/** Returns the public part of an Ed25519 private key, base64url. @throws Error for another kind of key */
export function publicPart(key: KeyObject): string {
  const { crv, x } = createPublicKey(key).export({ format: 'jwk' });
  if (crv !== 'Ed25519' || x === undefined) throw new Error('the key that signs tokens must be an Ed25519 key');
  return x;
}

/**
 * Replaces the key that signs tokens. The former one is listed until the last token that it signed has ended, unless
 * `drop` ends these tokens at once. The public part is listed before the new key takes its place, so a crash before that
 * only lists a key that still signs.
 * @param lifetimeMs the longest life of a token
 * @returns the `kid` of the former and of the new key
 */
export function rotateTokenKey(
  keyFile: string,
  { now, lifetimeMs, drop = false }: { now: number; lifetimeMs: number; drop?: boolean },
): { old: string; fresh: string } {
  const old = publicPart(createPrivateKey(readFileSync(keyFile, 'utf8')));
  changeFile(retiredFile(keyFile), (text) => {
    const kept = retiredKeys.parse(text === undefined ? [] : parseExactly(text));
    const live = kept.filter(({ x, until }) => x !== old && Date.parse(until) > now);
    if (drop) return '[]';
    return `${JSON.stringify([{ x: old, until: new Date(now + lifetimeMs).toISOString() }, ...live], null, 2)}\n`;
  });
  const { privateKey } = generateKeyPairSync('ed25519');
  const next = `${keyFile}.next`;
  writeFileSync(next, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  renameSync(next, keyFile);
  return { old: jwkOf(old).kid, fresh: jwkOf(publicPart(privateKey)).kid };
}
