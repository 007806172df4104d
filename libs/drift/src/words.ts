import { rememberedShort } from '@bailiwick/core/memo';

/**
 * Compares words of a call with those of a goal. Simple and exact, since similarity of words has the lowest weight in
 * the score.
 */

const STOP = new Set(
  (
    'the a an and or of for in on at to from by with without as is are was were be been it its this that these those ' +
    'i me my we our you your he she his her they them their what which who whom when where why how many much do does ' +
    'did can could would should will shall may might must not no yes if then than so also please just only all any ' +
    'each every some there here into onto over under about after before again more most other such own same too very ' +
    'have has had having am let make sure www http https com org net html htm index'
  ).split(' '),
);

/** Normalizes spelling: NFKC, lower case, single spaces, escaped line ends as spaces. */
export function normalize(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/\\\s*\n\s*\\?|\\[nrt]/g, ' ')
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .trim();
}

/** Splits names such as `send_note`, `note.send` and `sendNote` into words, in order, in lower case. */
export function wordsOf(text: string): string[] {
  return (
    text
      .normalize('NFKC')
      .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
      .toLowerCase()
      .match(/\p{L}+|\p{N}+/gu) ?? []
  );
}

/** Strips the most common endings, so that plural and past forms equal the plain word. */
export function stem(word: string): string {
  if (word.length <= 3) return word;
  for (const [ending, put] of ENDINGS) {
    if (word.endsWith(ending) && word.length - ending.length >= 3)
      return word.slice(0, word.length - ending.length) + put;
  }
  return word;
}
const ENDINGS: readonly (readonly [string, string])[] = [
  ['ications', 'ic'],
  ['ication', 'ic'],
  ['ations', 'at'],
  ['ation', 'at'],
  ['ies', 'y'],
  ['ing', ''],
  ['ied', 'y'],
  ['ed', ''],
  ['es', ''],
  ['s', ''],
  ['e', ''],
];

/**
 * Returns the stems of significant words: no stop words, no single letters, no bare numbers. Names of tools, folders and
 * arguments recur with every call.
 */
export const contentWords = rememberedShort<ReadonlySet<string>>(significantWords, 2_048, 128);

function significantWords(text: string): Set<string> {
  const words = new Set<string>();
  for (const word of wordsOf(text)) {
    const significant = knownStem(word);
    if (significant !== '') words.add(significant);
  }
  return words;
}

/** Returns the stem of a word; empty for an insignificant word. */
const stemOf = (word: string): string =>
  word.length > 1 && !STOP.has(word) && !/^\p{N}+$/u.test(word) ? stem(word) : '';

const knownStem = rememberedShort(stemOf, 8_192, 32);
