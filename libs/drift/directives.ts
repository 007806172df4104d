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
  /** normalised: from the verb on */
  readonly text: string;
}

/** Words after which a verb's plain form is an order or a wish: "please send", "you must delete", "then visit". */
const BEFORE = new Set(
  'please then and also first now to must should you kindly can could would will need or next finally just'.split(
    ' ',
  ),
);
const TOKEN = /[\p{L}\p{N}_'’@.-]+|[^\s]/gu;

/** The directives of a result, first to last, at most `DRIFT_LIMITS.directivesPerResult`. */
export function directivesIn(raw: string): Directive[] {
  const text = raw.normalize('NFKC').replace(/\\\s*\n\s*\\?|\\[nrt]/g, '\n');
  const directives: Directive[] = [];
  let before: string | undefined;
  let lineStart = 0;
  for (const match of text.matchAll(TOKEN)) {
    const word = match[0].toLowerCase().replace(/[.'’-]+$/, '');
    const families = familiesOfWord(word);
    const newLine = text.slice(lineStart, match.index).includes('\n');
    if (families.length > 0 && (newLine || isHead(before)) && text[match.index + match[0].length] !== ':') {
      directives.push({ families, text: normalize(text.slice(match.index, match.index + DRIFT_LIMITS.directiveChars)) });
      if (directives.length >= DRIFT_LIMITS.directivesPerResult) break;
    }
    before = match[0].toLowerCase();
    lineStart = match.index + match[0].length;
  }
  return directives;
}

/** The start of the text, of a clause, or a word that leads into an order. */
function isHead(before: string | undefined): boolean {
  return before === undefined || BEFORE.has(before) || /[^\p{L}\p{N})]$/u.test(before);
}
