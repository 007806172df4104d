import { familiesOfWord, type Family } from './families';
import { DRIFT_LIMITS } from './drift-limits';
import { contentWords, normalize } from './words';

/**
 * An order in a text: a verb in an imperative position, and the words that follow. Tone is not judged: an order to do what
 * the goal asks is harmless, and one that no call carries out is only text.
 */
export interface Order {
  /** of its verb; empty if the verb is of no known family */
  readonly families: readonly Family[];
  /** normalized: from the verb to the end of the next sentence */
  readonly text: string;
  /** stems of its significant words */
  readonly words: ReadonlySet<string>;
  /** index of its verb in the text */
  readonly at: number;
  /** it is in a part of the result that the goal hands authority to */
  readonly handed: boolean;
}

/** Words after which the plain form of a verb is an order or a wish: "please send", "you must delete", "then visit". */
const BEFORE = new Set(
  'please then and also first now to must should you kindly can could would will need or next finally just do always instead immediately simply'.split(
    ' ',
  ),
);
/** After these, any plain word that takes an object is an order, of a known family or not. */
const SURELY = new Set('please then must should kindly now immediately simply instead always'.split(' '));

/** Words of a closed class: a sentence that starts with one is no order. */
const FUNCTION_WORDS = new Set(
  (
    'the a an this that these those my your his its our their i you he it we they who whom whose which what when where why how ' +
    'in on at by for from to of with without into onto over under about after before between during since until as than like per via ' +
    'and or but nor so yet if unless because while although though however also then not no yes ' +
    'is are was were be been being am has have had do does did can could will would shall should may might must ' +
    'all any some each every both many much most more few several one two three first last next other another such ' +
    'there here today tomorrow yesterday hi hello hey dear thanks thank best regards sincerely sorry please just only very new'
  ).split(' '),
);
/** Words that start the object of a verb. */
const OBJECT_START = new Set(
  (
    'the a an this that these those my your his its our their me us him them it all any some each every both one two three ' +
    'another more out up off to from in at on with for as'
  ).split(' '),
);
const TOKEN = /[\p{L}\p{N}_'’@.-]+|[^\s]/gu;
/** Endings that a plain form of a verb does not have. */
const NOT_PLAIN = /(?:ing|ed|ly|tion|ness|ity|[^s]s)$/;
const PLAIN = /^\p{Lu}?\p{Ll}{2,}$/u;
const AFTER_CHARS = 40;

/** The text in which the positions of orders count: NFKC, with escaped line ends as line ends. */
export const unescaped = (raw: string): string => raw.normalize('NFKC').replace(/\\\s*\n\s*\\?|\\[nrt]/g, '\n');

/**
 * Finds the orders of an unescaped text, at most `DRIFT_LIMITS.directivesPerResult`.
 * @param isHanded whether the goal hands authority to the part of the text at a position
 */
export function ordersIn(text: string, isHanded: (at: number) => boolean = () => false): Order[] {
  const orders: Order[] = [];
  let before: string | undefined;
  let lastEnd = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [token] = match;
    const families = familiesOfWord(token.toLowerCase().replace(/[.'’-]+$/, ''));
    const end = match.index + token.length;
    const gap = text.slice(lastEnd, match.index);
    if (
      isHead(before, gap, token) &&
      text[end] !== ':' &&
      (families.length > 0 || takesObject(before, gap, token, text.slice(end, end + AFTER_CHARS)))
    ) {
      const passage = normalize(passageAt(text, match.index));
      const words = contentWords(passage);
      orders.push({ families, text: passage, words, at: match.index, handed: isHanded(match.index) });
      if (orders.length >= DRIFT_LIMITS.directivesPerResult) break;
    }
    before = token.toLowerCase();
    lastEnd = end;
  }
  return orders;
}

/** Reports whether a word of no known family is the verb of an order, by its form and by what follows. */
function takesObject(before: string | undefined, gap: string, token: string, after: string): boolean {
  if (!PLAIN.test(token) || NOT_PLAIN.test(token) || FUNCTION_WORDS.has(token.toLowerCase())) return false;
  const starts = before === undefined || /[.!?:;"'“>*•-]$/u.test(before) || gap.includes('\n');
  const isCapital = /^\p{Lu}/u.test(token);
  if (!(starts && isCapital) && !(before !== undefined && SURELY.has(before))) return false;
  const next = /^ +([\p{L}\p{N}_'’@./-]+)/u.exec(after)?.[1];
  return next !== undefined && (OBJECT_START.has(next.toLowerCase()) || /[@/_\p{N}]|\p{Ll}\.\p{Ll}/u.test(next));
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
