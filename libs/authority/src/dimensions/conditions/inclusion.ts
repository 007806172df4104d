import type { Condition, Scalar } from '@bailiwick/contracts/grants/grant';
import { LIMITS } from '@bailiwick/core/limits';
import type { Work } from '../../matching/inclusion';
import {
  likePattern,
  prefixPattern,
  suffixPattern,
  textPattern,
  textsInside,
  type TextPattern,
} from '../../matching/like';
import { hasEmptyList, operatorsOf, satisfies, type Operator } from './operators';

type Kind = 'string' | 'number' | 'boolean' | 'list';

/**
 * Reports whether every value that satisfies `narrow` satisfies `wide`. The result is exact: a condition admits finitely
 * many values, which are tried, or values of one kind, for which the operators are compared. A condition that admits
 * nothing implies everything. Text lengths and list lengths count as unbounded, numbers as dense; beyond the bound on
 * work the result is false (I11).
 */
export function implies(narrow: Condition, wide: Condition, work: Work = conditionAllowance()): boolean {
  if (hasNumberWithoutValue(narrow) || hasNumberWithoutValue(wide)) return false;
  if (isSame(narrow, wide)) return true; // an inherited condition is not refused for its size
  work.left -= 1 + costOf(narrow, wide) / COMPARED_AT_ONCE;
  if (work.left < 0) return false;
  const values = finiteValues(narrow);
  if (values) return values.every((value) => !satisfies(narrow, value) || satisfies(wide, value));
  const kind = kindOf(narrow);
  return kind === undefined || kind === 'boolean' || IMPLIES[kind](narrow, wide, work);
}

export const conditionAllowance = (effort = 1): Work => ({ left: effort * LIMITS.conditionWork });

/** Values, or characters of a text, that are compared for one unit of work. */
const COMPARED_AT_ONCE = 64;

/** Returns about how many comparisons of values, and of characters with the form of `like`, two conditions need. */
function costOf(narrow: Condition, wide: Condition): number {
  const values = valuesIn(narrow);
  const characters = wide.like === undefined ? 0 : values.reduce<number>((sum, each) => sum + String(each).length, 0);
  return values.length * valuesIn(wide).length + characters * (wide.like?.length ?? 0);
}

const valuesIn = (condition: Condition): unknown[] => operatorsOf(condition).flatMap((each) => condition[each]);

function isSame(a: Condition, b: Condition): boolean {
  const operators = operatorsOf(a);
  return (
    operators.length > 0 &&
    operators.length === operatorsOf(b).length &&
    operators.every((each) => {
      const [one, other] = [[a[each]].flat(), [b[each]].flat()];
      return one.length === other.length && one.every((value, i) => value === other[i]);
    })
  );
}

const hasNumberWithoutValue = (condition: Condition): boolean =>
  Object.values(condition)
    .flat()
    .some((each) => typeof each === 'number' && !Number.isFinite(each));

const IMPLIES: Readonly<Record<Exclude<Kind, 'boolean'>, (narrow: Condition, wide: Condition, work: Work) => boolean>> =
  { number: numbersInside, string: stringsInside, list: listsInside };

/** The kind of value that an operator is for; undefined: that of its operand. */
const KIND: Readonly<Record<Operator, Kind | undefined>> = {
  eq: undefined,
  ne: undefined,
  in: undefined,
  notIn: undefined,
  lt: 'number',
  lte: 'number',
  gt: 'number',
  gte: 'number',
  prefix: 'string',
  suffix: 'string',
  like: 'string',
  any: 'list',
  all: 'list',
  none: 'list',
};

/** Returns the kind of all values that satisfy a condition without eq and in; undefined if there are none. */
function kindOf(condition: Condition): Kind | undefined {
  const { ne, notIn = [] } = condition;
  if (hasEmptyList(condition)) return undefined;
  const kinds = new Set<Kind>([...(ne === undefined ? [] : [ne]), ...notIn].map((each) => typeof each as Kind));
  for (const each of operatorsOf(condition)) if (KIND[each]) kinds.add(KIND[each]);
  return kinds.size === 1 ? [...kinds][0] : undefined;
}

/** Returns values that include all that satisfy a condition; undefined if there are infinitely many. */
export function finiteValues(condition: Condition): readonly (Scalar | Scalar[])[] | undefined {
  const { eq, in: among, like } = condition;
  if (operatorsOf(condition).length === 0) return [];
  if (eq !== undefined) return [eq];
  if (among !== undefined) return among;
  switch (kindOf(condition)) {
    case undefined:
      return [];
    case 'boolean':
      return [true, false];
    case 'string':
      return like?.includes('*') === false ? [like] : undefined;
    case 'number':
      return finiteNumbers(condition);
    case 'list':
      return undefined;
  }
}

interface Bound {
  readonly at: number;
  /** the bound itself is excluded */
  readonly open: boolean;
}

function lowerBound({ gt, gte }: Condition): Bound {
  if (gt !== undefined && !(gte !== undefined && gte > gt)) return { at: gt, open: true };
  return { at: gte ?? -Infinity, open: false };
}

function upperBound({ lt, lte }: Condition): Bound {
  if (lt !== undefined && !(lte !== undefined && lte < lt)) return { at: lt, open: true };
  return { at: lte ?? Infinity, open: false };
}

function finiteNumbers(condition: Condition): readonly number[] | undefined {
  const [low, high] = [lowerBound(condition), upperBound(condition)];
  if (low.at < high.at) return undefined;
  return low.at === high.at ? [low.at] : []; // also if a bound is not a number
}

/** Reports whether a condition has operators for this kind of value only, and none that admits finitely many. */
const isFor = (kind: Kind, condition: Condition): boolean =>
  condition.eq === undefined && condition.in === undefined && kindOf(condition) === kind;

function excludesOnlyUnsatisfying({ ne, notIn = [] }: Condition, narrow: Condition): boolean {
  return [...(ne === undefined ? [] : [ne]), ...notIn].every((each) => !satisfies(narrow, each));
}

function numbersInside(narrow: Condition, wide: Condition): boolean {
  if (!isFor('number', wide) || !excludesOnlyUnsatisfying(wide, narrow)) return false;
  const [low, high, lowest, highest] = [lowerBound(narrow), upperBound(narrow), lowerBound(wide), upperBound(wide)];
  const above = low.at > lowest.at || (low.at === lowest.at && (low.open || !lowest.open));
  const below = high.at < highest.at || (high.at === highest.at && (high.open || !highest.open));
  // a single number that narrow leaves out cannot close a gap, except one at the end of its range
  return (above || isEndExcluded(narrow, low, lowest)) && (below || isEndExcluded(narrow, high, highest));
}

/** Reports whether both ranges end at the same number, which only the wide one excludes and narrow does not admit. */
const isEndExcluded = (narrow: Condition, end: Bound, widest: Bound): boolean =>
  end.at === widest.at && Number.isFinite(end.at) && !satisfies(narrow, end.at);

function textPatterns({ prefix, suffix, like }: Condition): TextPattern[] {
  return [
    ...(prefix === undefined ? [] : [prefixPattern(prefix)]),
    ...(suffix === undefined ? [] : [suffixPattern(suffix)]),
    ...(like === undefined ? [] : [likePattern(like)]),
  ];
}

function stringsInside(narrow: Condition, wide: Condition, work: Work): boolean {
  const all = textPatterns(narrow);
  const excluded = [narrow.ne, ...(narrow.notIn ?? [])].filter((each) => typeof each === 'string').map(textPattern);
  const covers = (some: TextPattern[]): boolean => textsInside(all, [...some, ...excluded], work);
  if (!isFor('string', wide)) return covers([]); // true if no text satisfies narrow
  if (!excludesOnlyUnsatisfying(wide, narrow)) return false;
  return textPatterns(wide).every(
    (pattern) => textsInside(all, [pattern], work) || (excluded.length > 0 && covers([pattern])),
  );
}

function listsInside(narrow: Condition, wide: Condition): boolean {
  const elements = elementsOf(narrow);
  // a list satisfies `any` with a single element of these, whatever else it contains
  const required = narrow.any && (elements ? narrow.any.filter((each) => elements.includes(each)) : admitted(narrow));
  const isEmpty = (required ?? elements)?.length === 0 && (narrow.any !== undefined || narrow.all !== undefined);
  if (isEmpty) return true;
  if (kindOf(wide) !== 'list' || wide.eq !== undefined || wide.in !== undefined) return false;
  const isFilled = narrow.any !== undefined || narrow.all !== undefined;
  const { any, all, none } = wide;
  return (
    (any === undefined || (isFilled && (required ?? elements)?.every((each) => any.includes(each)) === true)) &&
    (all === undefined || (isFilled && elements?.every((each) => all.includes(each)) === true)) &&
    (none === undefined || noneInside(narrow, elements, none))
  );
}

/** Returns the values that lists of a condition may contain; undefined if there are infinitely many. */
function elementsOf({ all, none }: Condition): Scalar[] | undefined {
  const isAdmitted = (each: Scalar): boolean => none === undefined || satisfies({ notIn: none }, each);
  if (all) return all.filter(isAdmitted);
  const kinds = new Set(none?.map((each) => typeof each));
  if (kinds.size > 1) return [];
  return kinds.has('boolean') ? [true, false].filter(isAdmitted) : undefined;
}

const admitted = ({ any = [], none }: Condition): Scalar[] =>
  any.filter((each) => none === undefined || satisfies({ notIn: none }, each));

function noneInside(narrow: Condition, elements: Scalar[] | undefined, none: Scalar[]): boolean {
  if (elements) return elements.every((each) => satisfies({ notIn: none }, each));
  return narrow.none !== undefined && implies({ notIn: narrow.none }, { notIn: none });
}
