import type { Condition, Scalar } from '@bailiwick/contracts/grants/grant';
import { LIMITS } from '@bailiwick/core/limits';
import { finiteValues, implies } from './inclusion';
import { hasEmptyList, operatorsOf, satisfies, type Operand, type Operator } from './operators';

/**
 * Combines the operands of one operator; undefined if no value satisfies both, or if no single operand expresses both
 * (two texts for `like` or two lists for `any` of which neither implies the other). The result is never wider.
 */
const MEET: { readonly [Of in Operator]: (a: Operand<Of>, b: Operand<Of>) => Operand<Of> | undefined } = {
  eq: (a, b) => (a === b ? a : undefined),
  ne: (a, b) => (a === b ? a : undefined), // two different values become notIn
  in: (a, b) => filled(a.filter((each) => b.includes(each))),
  notIn: (a, b) => ofOneType(union(a, b)), // no value is of two types
  lt: (a, b) => Math.min(a, b),
  lte: (a, b) => Math.min(a, b),
  gt: (a, b) => Math.max(a, b),
  gte: (a, b) => Math.max(a, b),
  prefix: (a, b) => (a.startsWith(b) ? a : b.startsWith(a) ? b : undefined),
  suffix: (a, b) => (a.endsWith(b) ? a : b.endsWith(a) ? b : undefined),
  like: (a, b) => (implies({ like: a }, { like: b }) ? a : implies({ like: b }, { like: a }) ? b : undefined),
  any: (a, b) => (isSubset(a, b) ? a : isSubset(b, a) ? b : undefined),
  all: (a, b) => filled(a.filter((each) => b.includes(each))),
  none: union, // of several types: only the empty list satisfies it
};

const filled = (values: Scalar[]): Scalar[] | undefined => (values.length > 0 ? values : undefined);
const isSubset = (a: readonly Scalar[], b: readonly Scalar[]): boolean => a.every((each) => b.includes(each));
const ofOneType = (values: Scalar[] | undefined): Scalar[] | undefined =>
  new Set(values?.map((each) => typeof each)).size === 1 ? values : undefined;
function union(a: Scalar[], b: Scalar[]): Scalar[] | undefined {
  const all = [...new Set([...a, ...b])];
  return all.length <= LIMITS.valuesPerCondition ? all : undefined;
}

/** Returns a condition that only values satisfy that satisfy both; undefined if there is none that can be expressed. */
export function both(a: Condition, b: Condition): Condition | undefined {
  if ([a, b].some((each) => operatorsOf(each).length === 0 || hasEmptyList(each))) return undefined;
  const [x, y] = a.ne !== undefined && b.ne !== undefined && a.ne !== b.ne ? [asNotIn(a), asNotIn(b)] : [a, b];
  const met: Record<string, unknown> = {};
  for (const each of operatorsOf(y)) met[each] = y[each];
  for (const each of operatorsOf(x)) {
    const operand = y[each] === undefined ? x[each] : (MEET[each] as Meet)(x[each], y[each]);
    if (operand === undefined) return undefined;
    met[each] = operand;
  }
  const condition = met as Condition;
  return finiteValues(condition)?.some((value) => satisfies(condition, value)) === false ? undefined : condition;
}
type Meet = (a: unknown, b: unknown) => unknown;

function asNotIn({ ne, notIn = [], ...rest }: Condition): Condition {
  return { ...rest, notIn: ne === undefined ? notIn : [...new Set([...notIn, ne])] };
}
