import { sign as ed25519, verify as ed25519Verify, type KeyObject } from 'node:crypto';
import { ok, type Result } from '@bailiwick/core/result';
import { noteKey, readKey, SIGNATURE_TYPE, writeKey, type NoteKey } from './key';
import type { Signer, Verifier } from './note';

// A witness says: at this time, this was the largest tree I had seen of this log, and it was consistent with all I had
// seen before. @see https://c2sp.org/tlog-cosignature (Ed25519, cosignature/v1)

const TIME_BYTES = 8;
const MAX_TIME = (1n << 63n) - 1n;

const message = (seconds: bigint, text: string): Buffer => Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`);

/** When a witness says it signed, POSIX seconds: the time is part of what it signed. Undefined for no cosignature. */
export function cosignatureTime(signature: Uint8Array): bigint | undefined {
  if (signature.length !== TIME_BYTES + 64) return undefined;
  const seconds = Buffer.from(signature).readBigUInt64BE(0);
  return seconds <= MAX_TIME ? seconds : undefined;
}

/** Reads the verifier key of a witness. That the time is not in the future is for the caller to ask. */
export function parseWitnessKey(vkey: string): Result<Verifier & NoteKey, string> {
  const key = readKey(vkey, SIGNATURE_TYPE.cosignature);
  if (!key.ok) return key;
  const { publicKey } = key.value;
  const verify = (text: string, signature: Uint8Array): boolean => {
    const seconds = cosignatureTime(signature);
    return (
      seconds !== undefined && ed25519Verify(null, message(seconds, text), publicKey, signature.subarray(TIME_BYTES))
    );
  };
  return ok({ ...key.value, verify });
}

export const witnessKey = (name: string, key: KeyObject): string => writeKey(name, SIGNATURE_TYPE.cosignature, key);

/**
 * Signs a checkpoint as a witness. Whether it is consistent with all that the witness has seen (`verifyConsistency`)
 * must have been shown before.
 * @param seconds POSIX time of signing
 */
export function makeCosigner(name: string, key: KeyObject, seconds: number): Signer {
  const { keyId } = noteKey(name, SIGNATURE_TYPE.cosignature, key);
  if (!Number.isSafeInteger(seconds) || seconds < 0)
    throw new RangeError(`a cosignature's time is whole seconds, not ${seconds}`);
  const time = Buffer.alloc(TIME_BYTES);
  time.writeBigUInt64BE(BigInt(seconds));
  return { name, keyId, sign: (text) => Buffer.concat([time, ed25519(null, message(BigInt(seconds), text), key)]) };
}
