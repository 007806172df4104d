/**
 * Detects the notations of other pattern languages: gitignore, shells, minimatch, regular expressions, SQL LIKE, MQTT,
 * Go, route templates. None has a meaning here. Taken literally, such a pattern would match something other than its
 * author intends, so each is refused with a text that states what to write instead. Exclusions (`!src/secret/**`) are
 * the most dangerous: a lease that should leave a folder out would include it.
 */

interface Notation {
  readonly sign: RegExp;
  /** describes the notation, after the quoted value */
  readonly what: string;
  readonly instead: string;
}

const EXCEPT = 'write what is left out in "except" of the selector that would include it, without a sign';
const ONE_EACH = 'write one selector for each name, or * for any one segment';
const ONE_VALUE_EACH = 'write each value as a separate entry of the list';

const EXCLUDES = /^(?:[!^-]|:[!^(/])/;
/** In a path only: a name may be a sentence. */
const EXCLUDES_BY_WORD = /^(?:not|except|exclud(?:e|ing)|without)[ :=]/i;
const EXTENDED_GLOB = /[?*+@!]\([^)]*\)/;
const ALTERNATIVES = /\{[^{}]*(?:,|\.\.)[^{}]*\}|\([^()]*\|[^()]*\)/;
const QUANTIFIED = /\.[+*]|[\])][+?{]/;
const TEMPLATE = /\$\{|\{\{|\{[^{},]+\}|<[^<>]*>/;
/** Stars that NFKC does not fold to `*`: five-pointed star, low asterisk, asterisk operator, the dingbats. */
const STARS = /[\u066d\u204e\u2051\u2217\u22c6\u2605\u2606\u2731-\u273d]/u;

/** Notations in a path pattern. The first hit counts, so the most dangerous ones come first. */
const IN_PATHS: readonly Notation[] = [
  { sign: EXCLUDES, what: 'looks like an exclusion', instead: EXCEPT },
  { sign: EXCLUDES_BY_WORD, what: 'looks like an exclusion', instead: EXCEPT },
  { sign: EXTENDED_GLOB, what: 'has an extended glob such as +(a|b) or !(a)', instead: ONE_EACH },
  { sign: /[!^]/, what: 'has a negation (! or ^)', instead: EXCEPT },
  { sign: /[{}]/, what: 'has braces, which are neither alternatives nor a template here', instead: ONE_EACH },
  { sign: /[[\]]/, what: 'has brackets, which are no character class here', instead: ONE_EACH },
  { sign: /[()|]/, what: 'has a group or an alternative', instead: ONE_EACH },
  { sign: /\?/, what: 'has a ?, which stands for no character here', instead: ONE_EACH },
  { sign: /\$/, what: 'has a $, which is neither a variable nor an anchor here', instead: 'write the value itself' },
  {
    sign: /\.\+|(?:^|\/)\.\*|(?:^|[^+])\+(?=\/|$)/,
    what: 'has a quantifier or a wildcard of another language',
    instead: 'write * for exactly one segment, or ** for any number',
  },
  { sign: /%/, what: 'has a %, which is no wildcard here', instead: 'write * for exactly one segment, or ** for any' },
  {
    sign: /\.\.\.(?=\/|$)/,
    what: 'has "...", which is no wildcard here',
    instead: 'write ** for any number of segments',
  },
  { sign: /[<>]/, what: 'has < or >, a placeholder or wildcard of another language', instead: ONE_EACH },
  { sign: /(?:^|\/)#(?=\/|$)/, what: 'has the segment #, which is no wildcard here', instead: 'write ** instead' },
  { sign: /(?:^|\/):/, what: 'has a route parameter such as :id', instead: 'write * for any one segment' },
  { sign: /^~/, what: 'starts with ~, which is no home directory here', instead: 'write the path itself' },
  { sign: /[,;]/, what: 'has a list separator', instead: 'write each path as a separate selector' },
  { sign: /["`]|^'|'$/, what: 'has quotation marks', instead: 'leave them out' },
  { sign: STARS, what: 'has a look-alike of *', instead: 'write * itself' },
];

/**
 * Notations in a list of names or values, where only a whole `*` may have a meaning. Rarer signs may be part of a name.
 */
const IN_NAMES: readonly Notation[] = [
  {
    sign: EXCLUDES,
    what: 'looks like an exclusion',
    instead: 'nothing is excluded by a name; list those that are meant',
  },
  { sign: EXTENDED_GLOB, what: 'looks like an extended glob', instead: ONE_VALUE_EACH },
  { sign: ALTERNATIVES, what: 'looks like alternatives', instead: ONE_VALUE_EACH },
  { sign: /\*/, what: 'has a *, which is no wildcard inside a name', instead: ONE_VALUE_EACH },
  { sign: /\[[^[\]]*\]/, what: 'looks like a character class', instead: ONE_VALUE_EACH },
  { sign: QUANTIFIED, what: 'looks like a regular expression', instead: ONE_VALUE_EACH },
  { sign: TEMPLATE, what: 'looks like a template that was not filled in', instead: 'write the value itself' },
  { sign: /^\$|\$$/, what: 'looks like a variable or an anchor', instead: 'write the value itself' },
  { sign: /^%|[^\d]%$/, what: 'looks like a pattern of SQL LIKE', instead: ONE_VALUE_EACH },
  { sign: /\|/, what: 'looks like alternatives', instead: ONE_VALUE_EACH },
  { sign: /\\/, what: 'has a backslash', instead: 'leave it out; nothing is escaped here' },
  { sign: /^\/.*\/[a-z]*$/, what: 'looks like a regular expression', instead: ONE_VALUE_EACH },
  { sign: STARS, what: 'has a look-alike of *', instead: ONE_VALUE_EACH },
];

/** Notations in a text in which `*` stands for any text. */
const IN_LIKE: readonly Notation[] = [
  { sign: EXCLUDES, what: 'looks like an exclusion', instead: 'write the values that are excluded in notIn' },
  { sign: EXTENDED_GLOB, what: 'looks like an extended glob', instead: ONE_VALUE_EACH },
  {
    sign: ALTERNATIVES,
    what: 'looks like alternatives',
    instead: 'name one condition for each, in separate selectors',
  },
  { sign: /\[[^[\]]*\]/, what: 'looks like a character class', instead: 'write * for any text' },
  {
    sign: QUANTIFIED,
    what: 'looks like a regular expression',
    instead: 'write * without a dot before it, or use prefix for a text up to a dot',
  },
  { sign: TEMPLATE, what: 'looks like a template that was not filled in', instead: 'write the value itself' },
  { sign: /\?/, what: 'has a ?, which stands for no character here', instead: 'write * for any text' },
  { sign: /^[$]|[$]$|^\^/, what: 'looks like a variable or an anchor', instead: 'write the value itself' },
  { sign: /^%|[^\d]%$/, what: 'looks like a pattern of SQL LIKE', instead: 'write * for any text' },
  { sign: /\*\*/, what: 'has **', instead: 'write one *, which stands for any text, also with /' },
  { sign: /\\/, what: 'has a backslash', instead: 'leave it out; nothing is escaped here' },
  { sign: STARS, what: 'has a look-alike of *', instead: 'write * itself' },
];

/** Finds the first notation in a text. A full-width `！` counts as `!`. */
function hit(notations: readonly Notation[], text: string): Notation | undefined {
  const folded = text.normalize('NFKC').trim();
  return notations.find(({ sign }) => sign.test(folded));
}

/** Describes the foreign notation of a path pattern, and states what to write instead. */
export function foreignInPath(pattern: string): string | undefined {
  const found = hit(IN_PATHS, pattern);
  return found && `${found.what}; ${found.instead}. ${IF_LITERAL}`;
}
const IF_LITERAL = 'If the character is part of a name, add "literal": true to the selector';

/** Reports whether a pattern needs `literal: true`. */
export const needsLiteral = (pattern: string): boolean => hit(IN_PATHS, pattern) !== undefined;

/** Does the same for a name, or for a value that is compared as a whole. */
export function foreignInName(name: string): string | undefined {
  const found = hit(IN_NAMES, name);
  return found && `${found.what}; ${found.instead}`;
}

/** Does the same for a text with `*` for any text, as the operator `like` compares it. */
export function foreignInLike(text: string): string | undefined {
  const found = hit(IN_LIKE, text);
  return found && `${found.what}; ${found.instead}`;
}

/** Does the same for a verb pattern, whose alphabet leaves only a few notations. */
export function foreignInVerb(pattern: string): string | undefined {
  const folded = pattern.normalize('NFKC').trim();
  if (EXCLUDES.test(folded) || EXCLUDES_BY_WORD.test(folded))
    return 'looks like an exclusion; write the verbs that are excluded in actions.deny';
  if (/[{}()|,[\]?+@]/.test(folded)) return 'has alternatives of another language; write each verb as a separate entry';
  return undefined;
}
