// What the C2SP text formats share: one spelling for each value, and no other accepted. Two texts that read the same
// would let a proof or a checkpoint be altered without its signature noticing.

/** Standard base64 with padding, canonical (RFC 4648 §3.5), or undefined. */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

const MAX_UINT64 = (1n << 64n) - 1n;

/** A decimal number below 2^64 without sign or leading zeros, or undefined. */
export function fromDecimal(text: string): bigint | undefined {
  if (!/^(0|[1-9][0-9]{0,19})$/.test(text)) return undefined;
  const value = BigInt(text);
  return value <= MAX_UINT64 ? value : undefined;
}

/**
 * What no note may hold: control characters other than the line end, and halves of surrogate pairs, which UTF-8 cannot
 * write (they would be signed as U+FFFD, and so verify as another text).
 */

const NOT_NOTE_TEXT = /[\u0000-\u0009\u000b-\u001f\p{Surrogate}]/u;

export const isNoteText = (text: string): boolean => !NOT_NOTE_TEXT.test(text);
