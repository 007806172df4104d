import { remembered } from '@bailiwick/core/memo';

/**
 * Words of a text, for comparing a call with a goal. Small and exact rather than clever: what words are alike weighs
 * least in the score.
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

/** One form for all spellings: NFKC, lower case, single spaces, escapes of line ends undone. */
export function normalize(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/\\\s*\n\s*\\?|\\[nrt]/g, ' ')
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .trim();
}

/** `send_email`, `email.send`, `sendEmail` → their words, in order, lower case. */
export function wordsOf(text: string): string[] {
  return (
    text
      .normalize('NFKC')
      .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
      .toLowerCase()
      .match(/\p{L}+|\p{N}+/gu) ?? []
  );
}

/** Strips the commonest endings, so that plural and past read as the word itself. */
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

/** Stems of the words that say something: no stop words, no single letters, no bare numbers. */
export function contentWords(text: string): Set<string> {
  const words = new Set<string>();
  for (const word of wordsOf(text)) {
    const said = word.length > LONGEST_KNOWN ? sayingOf(word) : knownSaying(word);
    if (said !== '') words.add(said);
  }
  return words;
}

/** The stem; empty for a word that says nothing. */
const sayingOf = (word: string): string =>
  word.length > 1 && !STOP.has(word) && !/^\p{N}+$/u.test(word) ? stem(word) : '';

/** the words of tools and folders come again with every call */
const knownSaying = remembered(sayingOf, 8_192);
const LONGEST_KNOWN = 32;
