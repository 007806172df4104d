import { hash, randomBytes } from 'node:crypto';

/** The start of every issued key, which distinguishes it from a token. */
export const KEY_PREFIX = 'bwk_';

/** Returns the digest that is stored instead of a key or a token. */
export const digestOf = (credential: string): string => hash('sha256', credential, 'base64');

/** Makes a key of 256 random bits. Its role or name is readable, so that a person can distinguish keys. */
export const newSecret = (label: string): string => `${KEY_PREFIX}${label}_${randomBytes(32).toString('base64url')}`;

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

export const newKeyId = (): string => keyIdOf(randomBytes(26));

/** Returns the id of a key that an earlier release stored: the same at every gateway. */
export const legacyKeyId = (digest: string): string => keyIdOf(hash('sha256', `key ${digest}`, 'buffer'));

const keyIdOf = (bytes: Buffer): string =>
  `key_${Array.from(bytes.subarray(0, 26), (byte) => ALPHABET.charAt(byte % 32)).join('')}`;
