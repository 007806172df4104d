// Encodings of the C2SP text formats: each value has one accepted encoding. A second encoding would allow changes to a
// proof or a checkpoint that its signature does not reveal.

/** Decodes standard base64 with padding in canonical form (RFC 4648 §3.5); otherwise undefined. */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

const MAX_UINT64 = (1n << 64n) - 1n;

/** Parses a decimal number below 2^64 without sign or leading zeros; otherwise undefined. */
export function fromDecimal(text: string): bigint | undefined {
  if (!/^(0|[1-9][0-9]{0,19})$/.test(text)) return undefined;
  const value = BigInt(text);
  return value <= MAX_UINT64 ? value : undefined;
}

/**
 * Characters that a note must not contain: control characters other than the line end, and halves of surrogate pairs,
 * which UTF-8 cannot encode (they would be signed as U+FFFD, so another text would verify).
 */
const NOT_NOTE_TEXT = /[\u0000-\u0009\u000b-\u001f\p{Surrogate}]/u;

export const isNoteText = (text: string): boolean => !NOT_NOTE_TEXT.test(text);
