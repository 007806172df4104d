import { sha256hex } from './digest';
import { LIMITS } from './limits';

/** The shortest and the longest value, in characters: a shorter one appears in two texts by chance. */
const { valueChars: SHORTEST, valueCharsMax: LONGEST, valueTextChars: MOST_TEXT } = LIMITS;

/** A word of a text that looks like a name or a number of something rather than like prose. */
const WORD = /[\p{L}\p{N}](?:[\p{L}\p{N}@._:/+#%=&?~-]*[\p{L}\p{N}/])?/gu;
const IS_NAME = /[\p{N}@._:/]/u;

/**
 * Returns the values in JSON by which the flow of data is followed: texts and numbers of at least eight characters, each
 * once. Of a long text they are its words with a digit or one of `@ . _ : /`: addresses, account numbers, paths, keys.
 * Whole values precede words, and those precede lines of texts that have several. Values beyond `most` are left out.
 */
export function valuesIn(json: unknown, most: number = LIMITS.valuesPerCall): string[] {
  const texts: string[] = [];
  collect(json, texts, 0);
  const found = new Set<string>();
  for (const text of texts) add(found, text, most);
  for (const text of texts)
    if (found.size < most) for (const [word] of text.slice(0, MOST_TEXT).matchAll(WORD)) addName(found, word, most);
  for (const text of texts)
    if (found.size < most && text.includes('\n'))
      for (const line of text.slice(0, MOST_TEXT).split('\n')) add(found, line.trim(), most);
  return [...found];
}

/** Returns the digests of the values of JSON, `sha256:<hex>` of each in UTF-8, as `values` of an action states them. */
export const valueDigests = (json: unknown, most?: number): string[] =>
  valuesIn(json, most).map((value) => `sha256:${sha256hex(value)}`);

/**
 * Returns the digests of all values of JSON, or the first `most`: a list of that length may not be all. Undefined if the JSON
 * is too large to be searched, so that nothing can be stated of it.
 */
export function statedDigests(json: unknown, most: number = LIMITS.valuesPerCall): string[] | undefined {
  const digests = valueDigests(json, most);
  return digests.length < most && !isSearched(json, { texts: 0 }, 0) ? undefined : digests;
}

/** Reports whether every text of JSON is searched as a whole. */
function isSearched(json: unknown, seen: { texts: number }, depth: number): boolean {
  if (typeof json === 'string') return ++seen.texts < MOST_TEXTS && json.length <= MOST_TEXT;
  if (typeof json === 'number') return ++seen.texts < MOST_TEXTS;
  if (typeof json !== 'object' || json === null) return true;
  return depth < MOST_DEPTH && Object.values(json).every((each) => isSearched(each, seen, depth + 1));
}

function add(found: Set<string>, value: string, most: number): void {
  if (found.size < most && value.length >= SHORTEST && value.length <= LONGEST) found.add(value);
}

function addName(found: Set<string>, word: string, most: number): void {
  if (IS_NAME.test(word)) add(found, word, most);
}

function collect(json: unknown, into: string[], depth: number): void {
  if (typeof json === 'string') into.push(json.normalize('NFC').trim());
  else if (typeof json === 'number') into.push(String(json));
  else if (typeof json === 'object' && json !== null && depth < MOST_DEPTH)
    for (const each of Object.values(json)) if (into.length < MOST_TEXTS) collect(each, into, depth + 1);
}
const MOST_DEPTH = 16;
const MOST_TEXTS = 4_096;
