import { AS_WRITTEN, CONFUSABLES } from './confusables';

/**
 * Treats names that look alike as one: `qbot` with a Cyrillic о, in capitals, or with two spaces in it. Rules match
 * by `nameKeys`; `lookAlikeFault` refuses a new name that looks like another; `marked` formats a name for people.
 * @see Unicode Technical Standard #39, section 4 (skeleton) and section 5.2 (restriction levels)
 */

const PLAIN = /^(?! )(?!.* {2})[ -~]*(?<! )$/;
const NEVER_SHOWN = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;

/** Replaces each run of white space by one space, and removes it at both ends. */
export const foldSpaces = (name: string): string => (PLAIN.test(name) ? name : name.replace(/\s+/gu, ' ').trim());

/** Applies NFKC and removes invisible characters. */
export const foldForms = (name: string): string =>
  PLAIN.test(name) ? name : name.normalize('NFKC').replace(NEVER_SHOWN, '');

/** Returns the same key for names that a person, or a system that folds case, spaces or look-alikes, may confuse. */
export function nameKey(name: string): string {
  if (PLAIN.test(name)) return name.toLowerCase();
  const folded = foldSpaces(foldForms(name)).toLowerCase().normalize('NFD');
  return Array.from(folded, (char) => CONFUSABLES.get(char)?.reads ?? char)
    .join('')
    .normalize('NFC');
}

/**
 * Returns all keys of a name: one by the look of its letters in lower case, one by their look as written. Two names are
 * alike if they share a key.
 */
export function nameKeys(name: string): readonly string[] {
  const key = nameKey(name);
  if (PLAIN.test(name)) return [key];
  const written = nameKey(Array.from(name, (char) => AS_WRITTEN.get(char)?.reads ?? char).join(''));
  return written === key ? [key] : [key, written];
}

/** Reports whether two names look alike. */
export function looksLike(one: string, other: string): boolean {
  const keys = nameKeys(other);
  return nameKeys(one).some((key) => keys.includes(key));
}

const SCRIPTS = (
  'Latin Greek Cyrillic Armenian Hebrew Arabic Devanagari Bengali Gurmukhi Gujarati Tamil Telugu Kannada Malayalam ' +
  'Sinhala Thai Lao Tibetan Myanmar Khmer Georgian Ethiopic Cherokee Mongolian Coptic Hangul Bopomofo Hiragana Katakana Han'
)
  .split(' ')
  .map((script) => ({ script, test: new RegExp(`^\\p{Script=${script}}$`, 'u') }));
const ANY_SCRIPT = /[\p{Script=Common}\p{Script=Inherited}]/u;
/** Writing systems that combine several scripts; each also admits Latin. */
const TOGETHER = [
  ['Latin', 'Han', 'Hiragana', 'Katakana'],
  ['Latin', 'Han', 'Bopomofo'],
  ['Latin', 'Han', 'Hangul'],
];

const scriptOf = (char: string): string | undefined =>
  ANY_SCRIPT.test(char) ? undefined : (SCRIPTS.find(({ test }) => test.test(char))?.script ?? 'another script');

/** Describes why a new name could be mistaken for another, and what to write instead; undefined if it could not. */
export function lookAlikeFault(name: string): string | undefined {
  if (PLAIN.test(name)) return undefined;
  for (const word of name.normalize('NFKC').match(/[\p{L}\p{M}\p{N}]+/gu) ?? []) {
    const scripts = new Set(Array.from(word, scriptOf).filter((script) => script !== undefined));
    if (scripts.size > 1 && !TOGETHER.some((set) => [...scripts].every((script) => set.includes(script))))
      return `mixes letters of ${[...scripts].sort().join(' and ')}${found(name)}; write each word in one script`;
  }
  const key = nameKeys(name).findLast((each) => PLAIN.test(each));
  if (key !== undefined && !PLAIN.test(foldSpaces(name)))
    return `reads like ${JSON.stringify(key)} and is not${found(name)}; write it in plain letters`;
  return undefined;
}

const found = (name: string): string => {
  const odd = oddIn(name);
  return odd.length > 0 ? ` (${odd.join(', ')})` : '';
};

/** Excludes dashes of running text (– and —) and quotation marks. */
const ODD =
  /[\p{L}\p{M}\p{N}\u02d0\u02d7\u0589]|[^\S ]|[\u2010-\u2012\u2015\u2017\u2043\u2044\u2212\u2215\u2236\u29f8\ua789]/gu;

/** Maximum number of characters that are named; the rest are counted. */
const NAMED = 3;

/** Lists letters, digits and marks outside ASCII, each once, and spaces other than the plain one. */
function oddIn(text: string): string[] {
  const odd = [...new Set(text.match(ODD) ?? [])].filter((char) => char > '\x7f');
  const shown = odd.slice(0, NAMED).map((char) => `U+${hex(char)} ${describe(char)}`);
  return odd.length > NAMED ? [...shown, `${odd.length - NAMED} more`] : shown;
}

const hex = (char: string): string => (char.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0');

function describe(char: string): string {
  const own = AS_WRITTEN.get(char) ?? CONFUSABLES.get(char);
  if (own) return own.name;
  const lower = CONFUSABLES.get(char.toLowerCase());
  if (lower) return lower.name.replace('SMALL', 'CAPITAL');
  if (/\s/u.test(char)) return 'a space';
  if (/\p{M}/u.test(char)) return 'a combining mark';
  return `of ${scriptOf(char) ?? 'no one script'}`;
}

/** Formats a name for people and lists its unusual characters: `qbоt [contains U+043E CYRILLIC SMALL LETTER O]`. */
export function marked(name: string): string {
  const odd = PLAIN.test(name) ? [] : oddIn(name);
  return odd.length > 0 ? `${name} [contains ${odd.join(', ')}]` : name;
}
