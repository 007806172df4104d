import type { Attribute } from '@bailiwick/contracts/actions/action';
import { nameKey } from '@bailiwick/core/look-alike';

type Scalar = string | number | boolean;
type Args = Readonly<Record<string, unknown>>;
type Attributes = Readonly<Record<string, Attribute>>;

/** The names of an attribute and of an argument that state different values. */
export interface Contradiction {
  readonly attribute: string;
  readonly argument: string;
}

/**
 * Finds an attribute of the resource that states another value than the argument of the same name. A condition of a
 * lease is about the attribute, while the tool receives the argument: both must be the same fact.
 *
 * Names are the same without regard to case, `_`, `-`, spaces and look-alike letters (`orderId`, `order_id`). Only
 * arguments at the top level are compared, single values and lists. Null, objects and lists in a list state no value; the
 * other elements of such a list must be among those of the attribute. Values are equal if they have the same type and
 * value. In addition, a number equals a text that writes it in decimal (41, "41", "41.0"), a list equals one with the same
 * elements in any order, and a single value equals a list of only it.
 */
export function contradictionIn(args: Args, attributes: Attributes): Contradiction | undefined {
  const stated = new Map(Object.entries(attributes).map(([name, value]) => [keyOf(name), { name, value }]));
  if (stated.size < Object.keys(attributes).length) return contradictionAmongMany(args, attributes);
  for (const [argument, value] of Object.entries(args)) {
    const attribute = stated.get(keyOf(argument));
    if (attribute && !agree(attribute.value, value)) return { attribute: attribute.name, argument };
  }
  return undefined;
}

/** Does the same where several attributes share a name: each must agree. */
function contradictionAmongMany(args: Args, attributes: Attributes): Contradiction | undefined {
  for (const [attribute, value] of Object.entries(attributes)) {
    const found = contradictionIn(args, { [attribute]: value });
    if (found) return found;
  }
  return undefined;
}

const keyOf = (name: string): string => nameKey(name).replace(/[\s_-]/g, '');

const isScalar = (value: unknown): value is Scalar =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

function agree(attribute: Attribute, argument: unknown): boolean {
  const given: readonly unknown[] = Array.isArray(argument) ? argument : [argument];
  const values = given.filter(isScalar);
  const [has, stated] = [keysOf([attribute].flat()), keysOf(values)];
  if (![...stated].every((each) => has.has(each))) return false;
  return values.length < given.length || stated.size === has.size;
}

const keysOf = (values: readonly Scalar[]): Set<string> => new Set(values.map(keyOfValue));

/** Returns equal keys for equal values. */
function keyOfValue(value: Scalar): string {
  const isNumber = typeof value === 'number' || (typeof value === 'string' && DECIMAL.test(value));
  return isNumber ? `number ${canonicalDecimal(String(value))}` : `${typeof value} ${value}`;
}
const DECIMAL = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;

/** Removes zeros at the end of the fraction; a number in exponent notation stays as it is. */
const canonicalDecimal = (text: string): string =>
  DECIMAL.test(text) && text.includes('.') ? text.replace(/\.?0+$/, '') : text === '-0' ? '0' : text;
