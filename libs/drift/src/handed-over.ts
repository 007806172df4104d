import { familiesOfWord } from './families';
import { holds, identifiersIn } from './values';
import { normalize } from './words';

const DOING =
  'do|perform|follow|complete|finish|carry out|take care of|handle|execute|address|achieve|fulfil+|act (?:up)?on|' +
  'respond to|reply to|deal with|solve|resolve|accept|comply with|meet|satisfy|implement|make|apply|process|sort out';
const CONTENT =
  'tasks?|to-?dos?|instructions?|requests?|requirements?|issues?|needs?|invitations?|steps?|actions?|changes|' +
  'adjustments|things?|orders?|suggestions?|assignments?';
/**
 * A verb of doing with an object that refers to the content of something else: a pronoun, "what …", "… requests". "The
 * following tasks" are in the goal itself.
 */
const HANDS_OVER = new RegExp(
  String.raw`\b(?:${DOING})\b(?:\s+(?:it|them|everything|anything|all of (?:it|them))\b|[^.?!\n]{0,50}?\bwhat(?:ever)?\b|` +
    String.raw`(?![^.?!\n]{0,50}\bfollowing\b)[^.?!\n]{0,50}?\b(?:${CONTENT})\b)|` +
    String.raw`\b(?:according to|as (?:they|it|described|instructed|requested|specified|stated|written|asked))\b`,
  'i',
);
const NAME = /(?<![\p{L}\p{N}@._/'’-])\p{Lu}\p{L}{2,}(?!['’]\p{Ll}{2})/gu;
const QUOTED = /["'“‘]([^"'“”’]{3,60})["'”’]/gu;
const NO_NAMES = new Set(
  (
    'you they his our their the this that these those please can could would will shall should may might must ' +
    'what when where which who why how for from with and but then also after before there here hey hello thanks yes not are was were does did have has had'
  ).split(' '),
);

/**
 * Returns the sources to which a goal hands authority, as in "do what the page asks for" or "complete what they need": its
 * names, addresses and quotations, normalized. None if it hands nothing over. An order of anyone else in the same result
 * is not covered.
 */
export function handedOverIn(goal: string): string[] {
  if (!HANDS_OVER.test(goal)) return [];
  const names = [...goal.matchAll(NAME)]
    .map(([name]) => normalize(name))
    .filter((name) => !NO_NAMES.has(name) && familiesOfWord(name).length === 0);
  const quoted = [...goal.matchAll(QUOTED)].map(([, text]) => normalize(text ?? ''));
  return [...new Set([...identifiersIn(goal), ...quoted, ...names])].slice(0, MOST);
}
const MOST = 32;

/** Reports whether a normalized text names one of the sources. */
export const namesOne = (text: string, sources: readonly string[]): boolean =>
  sources.some((source) => holds(text, source));
