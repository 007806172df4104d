import { sha256hex } from './digest';
import { LIMITS } from './limits';

/** The shortest and the longest value, in characters: a shorter one appears in two texts by chance. */
const { valueChars: SHORTEST, valueCharsMax: LONGEST, valuesPerCall: MOST, valueTextChars: MOST_TEXT } = LIMITS;

/** A word of a text that looks like a name or a number of something rather than like prose. */
const WORD = /[\p{L}\p{N}](?:[\p{L}\p{N}@._:/+#%=&?~-]*[\p{L}\p{N}/])?/gu;
const IS_NAME = /[\p{N}@._:/]/u;

/**
 * Returns the values in JSON by which the flow of data is followed: texts and numbers of at least eight characters, each
 * once. Of a long text they are its words with a digit or one of `@ . _ : /`: addresses, account numbers, paths, keys.
 * Whole values precede words. At most 64; what is beyond is left out.
 */
export function valuesIn(json: unknown): string[] {
  const texts: string[] = [];
  collect(json, texts, 0);
  const found = new Set<string>();
  for (const text of texts) add(found, text);
  for (const text of texts)
    if (found.size < MOST) for (const [word] of text.slice(0, MOST_TEXT).matchAll(WORD)) addName(found, word);
  return [...found];
}

/** Returns the digests of the values of JSON, `sha256:<hex>` of each in UTF-8, as `values` of an action states them. */
export const valueDigests = (json: unknown): string[] => valuesIn(json).map((value) => `sha256:${sha256hex(value)}`);

function add(found: Set<string>, value: string): void {
  if (found.size < MOST && value.length >= SHORTEST && value.length <= LONGEST) found.add(value);
}

function addName(found: Set<string>, word: string): void {
  if (IS_NAME.test(word)) add(found, word);
}

function collect(json: unknown, into: string[], depth: number): void {
  if (typeof json === 'string') into.push(json.normalize('NFC').trim());
  else if (typeof json === 'number') into.push(String(json));
  else if (typeof json === 'object' && json !== null && depth < MOST_DEPTH)
    for (const each of Object.values(json)) if (into.length < MOST_TEXTS) collect(each, into, depth + 1);
}
const MOST_DEPTH = 16;
const MOST_TEXTS = 4_096;
