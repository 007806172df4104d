import { sign as ed25519, verify as ed25519Verify, type KeyObject } from 'node:crypto';
import { ok, type Result } from '@bailiwick/core/result';
import { noteKey, readKey, SIGNATURE_TYPE, writeKey, type NoteKey } from './key';
import type { Signer, Verifier } from './note';

// A cosignature states that at its time this was the largest tree of the log that the witness had seen, and that it was
// consistent with all earlier ones. @see https://c2sp.org/tlog-cosignature (Ed25519, cosignature/v1)

const TIME_BYTES = 8;
const MAX_TIME = (1n << 63n) - 1n;

const message = (seconds: bigint, text: string): Buffer => Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`);

/** Returns the signed time of a cosignature in POSIX seconds; undefined if it is not a cosignature. */
export function cosignatureTime(signature: Uint8Array): bigint | undefined {
  if (signature.length !== TIME_BYTES + 64) return undefined;
  const seconds = Buffer.from(signature).readBigUInt64BE(0);
  return seconds <= MAX_TIME ? seconds : undefined;
}

/** Reads the verifier key of a witness. The caller must check that the time is not in the future. */
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
 * Signs a checkpoint as a witness. The caller must have verified that it is consistent with everything that the witness
 * has seen (`verifyConsistency`).
 * @param seconds POSIX time of signing
 */
export function makeCosigner(name: string, key: KeyObject, seconds: number): Signer {
  const { keyId } = noteKey(name, SIGNATURE_TYPE.cosignature, key);
  if (!Number.isSafeInteger(seconds) || seconds < 0)
    throw new RangeError(`the time of a cosignature must be a whole number of seconds, not ${seconds}`);
  const time = Buffer.alloc(TIME_BYTES);
  time.writeBigUInt64BE(BigInt(seconds));
  return { name, keyId, sign: (text) => Buffer.concat([time, ed25519(null, message(BigInt(seconds), text), key)]) };
}
