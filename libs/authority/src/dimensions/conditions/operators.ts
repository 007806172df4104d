import type { Attribute } from '@bailiwick/contracts/actions/action';
import type { Condition, Scalar } from '@bailiwick/contracts/grants/grant';
import { matchesLike } from '../../matching/like';
import { clip, listed, sentence } from '../../presentation/text';

/** The attributes of a resource, as the enforcement point states them. */
export type Attributes = Readonly<Record<string, Attribute>>;

export type Operator = keyof Condition;
export type Operand<Of extends Operator> = NonNullable<Condition[Of]>;

/**
 * Reports whether a value satisfies one operator. A value of another type than the operand satisfies no operator: it is
 * not "another value" for `ne`, `notIn` and `none` either (I11). An empty list satisfies only `none`.
 */
const HOLDS: { readonly [Of in Operator]: (operand: Operand<Of>, value: Attribute) => boolean } = {
  eq: (operand, value) => value === operand,
  ne: (operand, value) => typeof value === typeof operand && value !== operand,
  in: (operand, value) => operand.some((each) => each === value),
  notIn: (operand, value) =>
    operand.length > 0 && operand.every((each) => typeof value === typeof each && value !== each),
  lt: (operand, value) => typeof value === 'number' && value < operand,
  lte: (operand, value) => typeof value === 'number' && value <= operand,
  gt: (operand, value) => typeof value === 'number' && value > operand,
  gte: (operand, value) => typeof value === 'number' && value >= operand,
  prefix: (operand, value) => typeof value === 'string' && value.startsWith(operand),
  suffix: (operand, value) => typeof value === 'string' && value.endsWith(operand),
  like: (operand, value) => typeof value === 'string' && matchesLike(operand, value),
  any: (operand, value) => isList(value) && value.some((each) => operand.includes(each)),
  all: (operand, value) => isList(value) && value.length > 0 && value.every((each) => operand.includes(each)),
  none: (operand, value) => isList(value) && operand.length > 0 && value.every((each) => HOLDS.notIn(operand, each)),
};

const isList = (value: Attribute): value is Scalar[] => Array.isArray(value);
const isNumberWithoutValue = (value: unknown): boolean => typeof value === 'number' && !Number.isFinite(value);

/** Returns the given operators of a condition. */
export const operatorsOf = (condition: Condition): Operator[] =>
  (Object.keys(HOLDS) as Operator[]).filter((each) => condition[each] !== undefined);

/** Reports whether a condition has an empty list of values, which no schema allows: it admits nothing (I11). */
export const hasEmptyList = (condition: Condition): boolean =>
  Object.values(condition).some((each) => Array.isArray(each) && each.length === 0);

/**
 * Reports whether a value satisfies all operators of a condition. A value that is missing, or is or contains a number
 * that is not finite, satisfies none (I11), and nothing satisfies a condition without operators.
 */
export function satisfies(condition: Condition, value: Attribute | undefined): boolean {
  if (value === undefined || (isList(value) ? value.some(isNumberWithoutValue) : isNumberWithoutValue(value)))
    return false;
  const operators = operatorsOf(condition);
  return operators.length > 0 && operators.every((each) => (HOLDS[each] as Holds)(condition[each], value));
}
type Holds = (operand: unknown, value: Attribute) => boolean;

/**
 * Shows a text of a condition that excludes values, in quotation marks unless it is one plain word: `secret, private`
 * as one value must not read like two.
 */
export const quoted = (value: Scalar): string =>
  typeof value !== 'string' || /^[\w.@:/*+-]+$/.test(value) ? clip(String(value)) : `“${clip(value)}”`;
const listedQuoted = (values: readonly Scalar[]): string => listed(values.map(quoted), 'none');

const TEXT: { readonly [Of in Operator]: (operand: Operand<Of>) => string } = {
  eq: (operand) => `is ${clip(String(operand))}`,
  ne: (operand) => `is not ${quoted(operand)}`,
  in: (operand) => `is one of ${listed(operand, 'none')}`,
  notIn: (operand) => `is none of ${listedQuoted(operand)}`,
  gte: (operand) => `is at least ${operand}`,
  gt: (operand) => `is more than ${operand}`,
  lte: (operand) => `is at most ${operand}`,
  lt: (operand) => `is less than ${operand}`,
  prefix: (operand) => `starts with ${clip(operand)}`,
  suffix: (operand) => `ends with ${quoted(operand)}`,
  like: (operand) => `has the form ${quoted(operand)}`,
  any: (operand) => `contains one of ${listedQuoted(operand)}`,
  all: (operand) => `contains only ${listedQuoted(operand)}`,
  none: (operand) => `contains none of ${listedQuoted(operand)}`,
};

/** Describes a condition, e.g. `sensitivity is one of public, internal`. */
export function describeCondition(attribute: string, condition: Condition): string {
  const given = (Object.keys(TEXT) as Operator[]).filter((each) => condition[each] !== undefined);
  return `${clip(attribute)} ${sentence(given.map((each) => (TEXT[each] as (operand: unknown) => string)(condition[each])))}`;
}
