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
 * The id of what a command creates: a function of what is given, so that `decide` needs no randomness. 130 bits. It carries its log's number, so that any service finds the log
 * without a look-up: `grt_0_3f…`.
 */
export function deriveId(kind: IdKind, logNumber: number, commandId: string, salt = ''): string {
  const digest = sha256(`${kind}\n${logNumber}\n${commandId}\n${salt}`);
  return `${ID_PREFIX[kind]}_${logNumber.toString(36)}_${base32(digest, 26)}`;
}
