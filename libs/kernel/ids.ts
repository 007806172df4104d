import { sha256 } from './digest';

/** What an id names: its prefix. */
export const ID_PREFIX = {
  run: 'run',
  grant: 'grt',
  tree: 'tre',
  action: 'act',
  approval: 'apr',
  revocation: 'rev',
  event: 'evt',
} as const;
export type IdKind = keyof typeof ID_PREFIX;

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

const ID = /^(run|grt|tre|act|apr|rev|evt)_([0-9a-z]{1,4})_[0-9a-z]{26}$/;

/** The log number inside an id, or undefined where it is no id of ours. */
export function logNumberOf(id: string): number | undefined {
  const match = ID.exec(id);
  return match ? parseInt(match[2] as string, 36) : undefined;
}

export function isId(kind: IdKind, id: string): boolean {
  return ID.test(id) && id.startsWith(`${ID_PREFIX[kind]}_`);
}

/** A log is named `<tenant>/<n>`. */
export function logName(tenant: string, n: number): string {
  return `${tenant}/${n}`;
}

export function parseLogName(log: string): { tenant: string; n: number } {
  const match = /^([a-z0-9][a-z0-9-]{0,62})\/(\d{1,6})$/.exec(log);
  if (!match) throw new Error(`not a log name: ${JSON.stringify(log)} (want <tenant>/<number>)`);
  return { tenant: match[1] as string, n: Number(match[2]) };
}
