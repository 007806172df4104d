import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';

/** Signature algorithms of client assertions (RFC 7523): asymmetric ones only. */
export const ASSERTION_ALGORITHMS = ['EdDSA', 'Ed25519', 'ES256', 'ES384', 'PS256', 'RS256'] as const;

const part = z
  .string()
  .min(1)
  .max(1_100)
  .regex(/^[A-Za-z0-9_-]+$/, 'must be base64url');
const shared = {
  kid: z.string().min(1).max(200),
  alg: z.enum(ASSERTION_ALGORITHMS).optional(),
  use: z.literal('sig').optional(),
  key_ops: z.array(z.literal('verify')).max(1).optional(),
};
/** RSA keys of at least 2048 bits. */
const modulus = part.min(342);

/** A public key of a client. Private members are unknown, and so refused. */
const clientKey = z.discriminatedUnion('kty', [
  z.strictObject({ kty: z.literal('EC'), crv: z.enum(['P-256', 'P-384']), x: part, y: part, ...shared }),
  z.strictObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: part, ...shared }),
  z.strictObject({ kty: z.literal('RSA'), n: modulus, e: part.max(8), ...shared }),
]);

/** The public keys of a client (RFC 7517), each with a `kid`. While several are listed, each of them is valid. */
export const clientJwks = z.strictObject({
  keys: z
    .array(clientKey)
    .min(1)
    .max(LIMITS.keys.jwks)
    .refine((keys) => new Set(keys.map(({ kid }) => kid)).size === keys.length, { error: 'two keys have one kid' }),
});
export type ClientJwks = z.infer<typeof clientJwks>;
