import { sha256 } from './digest';
import { ID_PREFIX, type IdKind } from './ids';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'; // Crockford base32, lower case

function base32(bytes: Uint8Array, length: number): string {
  let out = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5 && out.length < length) {
      out += ALPHABET.charAt((value >>> (bits - 5)) & 31);
      bits -= 5;
    }
    value &= (1 << bits) - 1;
  }
  return out;
}

/**
 * Derives the id (130 bits) of a thing that a command creates. It is a function of the arguments, so `decide` needs no
 * randomness. The id contains the number of its log, so that any service finds the log without a look-up: `grt_0_3f…`.
 */
export function deriveId(kind: IdKind, logNumber: number, commandId: string, salt = ''): string {
  const digest = sha256(`${kind}\n${logNumber}\n${commandId}\n${salt}`);
  return `${ID_PREFIX[kind]}_${logNumber.toString(36)}_${base32(digest, 26)}`;
}
