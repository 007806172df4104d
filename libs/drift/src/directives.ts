import { familiesOfWord, type Family } from './families';
import { DRIFT_LIMITS } from './limits';
import { normalize } from './words';

/**
 * A place in a text that tells its reader to do something: a verb of a known family where an order would have it, and
 * what follows. Nothing is judged by its tone: an order to do what the goal asks is harmless, and one that no call
 * ever obeys is only text.
 */
export interface Directive {
  readonly families: readonly Family[];
  /** normalised: from the verb to the end of the next sentence */
  readonly text: string;
}

/** Words after which a verb's plain form is an order or a wish: "please send", "you must delete", "then visit". */
const BEFORE = new Set(
  'please then and also first now to must should you kindly can could would will need or next finally just do always instead immediately simply'.split(
    ' ',
  ),
);
const TOKEN = /[\p{L}\p{N}_'’@.-]+|[^\s]/gu;

/** The directives of a result, first to last, at most `DRIFT_LIMITS.directivesPerResult`. */
export function directivesIn(raw: string): Directive[] {
  const text = raw.normalize('NFKC').replace(/\\\s*\n\s*\\?|\\[nrt]/g, '\n');
  const directives: Directive[] = [];
  let before: string | undefined;
  let lastEnd = 0;
  for (const match of text.matchAll(TOKEN)) {
    const word = match[0].toLowerCase().replace(/[.'’-]+$/, '');
    const families = familiesOfWord(word);
    if (
      families.length > 0 &&
      isHead(before, text.slice(lastEnd, match.index), match[0]) &&
      text[match.index + match[0].length] !== ':'
    ) {
      directives.push({ families, text: normalize(passageAt(text, match.index)) });
      if (directives.length >= DRIFT_LIMITS.directivesPerResult) break;
    }
    before = match[0].toLowerCase();
    lastEnd = match.index + match[0].length;
  }
  return directives;
}

/** The sentence and the one after it, which often says the rest; not past an empty line, or one that begins something new. */
const PASSAGE_END = /\n\s*\n|\n\s*(?=[-*•]\s|[\p{L}_]+:\s)/u;
const SENTENCES = 2;
function passageAt(text: string, start: number): string {
  const rest = text.slice(start, start + DRIFT_LIMITS.directiveChars);
  const end = rest.search(PASSAGE_END);
  return rest
    .slice(0, end < 0 ? undefined : end)
    .split(/(?<=[.!?])\s/, SENTENCES)
    .join(' ');
}

/** The start of the text, of a paragraph, of a clause, or behind a word that leads into an order. */
function isHead(before: string | undefined, gap: string, word: string): boolean {
  if (before === undefined || BEFORE.has(before) || /[^\p{L}\p{N})]$/u.test(before)) return true;
  return /\n\s*\n/.test(gap) || (gap.includes('\n') && /^\p{Lu}/u.test(word));
}
