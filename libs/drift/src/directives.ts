import { familiesOfWord, type Family } from './families';
import { DRIFT_LIMITS } from './limits';
import { normalize } from './words';

/**
 * An instruction in a text: a verb of a known family in an imperative position, and the words that follow. Tone is not
 * judged: an instruction to do what the goal asks is harmless, and one that no call obeys is only text.
 */
export interface Directive {
  readonly families: readonly Family[];
  /** normalized: from the verb to the end of the next sentence */
  readonly text: string;
}

/** Words after which the plain form of a verb is an order or a wish: "please send", "you must delete", "then visit". */
const BEFORE = new Set(
  'please then and also first now to must should you kindly can could would will need or next finally just do always instead immediately simply'.split(
    ' ',
  ),
);
const TOKEN = /[\p{L}\p{N}_'’@.-]+|[^\s]/gu;

/** Finds the directives of a result in order, at most `DRIFT_LIMITS.directivesPerResult`. */
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

/**
 * Ends a passage: an empty line or the start of a list item or heading. The sentence after an order often completes it.
 */
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

/**
 * Reports whether a word is at the start of the text, a paragraph or a clause, or follows a word that introduces an
 * order.
 */
function isHead(before: string | undefined, gap: string, word: string): boolean {
  if (before === undefined || BEFORE.has(before) || /[^\p{L}\p{N})]$/u.test(before)) return true;
  return /\n\s*\n/.test(gap) || (gap.includes('\n') && /^\p{Lu}/u.test(word));
}
