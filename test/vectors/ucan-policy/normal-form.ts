import { canonicalDigest } from '@bailiwick/core/digest';
import { isDeepStrictEqual } from 'node:util';
import type { Condition, Scalar } from '@bailiwick/contracts/grants/grant';
import { Inexpressible } from '../verdict';
import { encoded, isScalar, typeOf } from './attributes';

export type Statement = readonly [operator: string, ...operands: unknown[]];

/** Conditions on attributes that all hold. */
export type Conjunction = ReadonlyMap<string, Condition>;
const ALWAYS: Conjunction = new Map();

/**
 * Returns the alternatives of a statement, of which at least one holds exactly if the statement does: its disjunctive
 * normal form. Alternatives that contradict themselves are left out.
 */
export function alternatives([operator, ...operands]: Statement, negated = false): Conjunction[] {
  const path = operands[0] as string;
  switch (operator) {
    case 'not':
      return alternatives(operands[0] as Statement, !negated);
    case 'and':
    case 'or': {
      const parts = (operands[0] as Statement[]).map((each) => alternatives(each, negated));
      // by the fixtures, `or` of no statement holds, as `and` does
      if (parts.length === 0) return negated ? [] : [ALWAYS];
      return (operator === 'and') === negated ? parts.flat() : parts.reduce(eachWithEach);
    }
    case '==':
    case '!=':
      return (operator === '==') === negated ? differs(path, operands[1]) : equals(path, operands[1]);
    case '<':
    case '<=':
    case '>':
    case '>=':
      return negated ? notCompared(path, operator, operands[1]) : one(path, { [COMPARES[operator]]: operands[1] });
    case 'like':
      if (negated) throw new Inexpressible('quantifier');
      return one(path, likeOf(operands[1] as string));
    case 'any':
      return anyOf(path, operands[1] as Statement, negated);
    default:
      throw new Inexpressible('quantifier'); // `all`
  }
}

const COMPARES = { '<': 'lt', '<=': 'lte', '>': 'gt', '>=': 'gte' } as const;
const OPPOSITE = { '<': 'gte', '<=': 'gt', '>': 'lte', '>=': 'lt' } as const;

const one = (attribute: string, condition: Condition): Conjunction[] => [new Map([[attribute, condition]])];

/** A single value is compared itself; a list, an object or null by the digest of its canonical JSON. */
const equals = (path: string, value: unknown): Conjunction[] =>
  isScalar(value) ? one(path, { eq: encoded(value) }) : one(`${path}#digest`, { eq: canonicalDigest(value) });

/** Another value of the same type, or a value of another type. */
const differs = (path: string, value: unknown): Conjunction[] =>
  isScalar(value)
    ? [...one(path, { ne: encoded(value) }), ...one(`${path}#type`, { ne: typeOf(value) })]
    : one(`${path}#digest`, { ne: canonicalDigest(value) });

const notCompared = (path: string, operator: keyof typeof OPPOSITE, value: unknown): Conjunction[] => [
  ...one(path, { [OPPOSITE[operator]]: value }),
  ...one(`${path}#type`, { ne: 'number' }),
];

/** In a glob of UCAN, `\*` is a star and `*` any text. */
const likeOf = (glob: string): Condition => ({
  like: glob.replace(/\\\*|[%]/g, (text) => (text === '%' ? '%25' : '%2A')),
});

/** One element equals a value, or an element's member does: it is among the values of the list. */
function anyOf(path: string, [operator, inner, value]: Statement, negated: boolean): Conjunction[] {
  if (operator !== '==' || !isScalar(value) || negated) throw new Inexpressible('quantifier');
  return one(inner === '.' ? path : `${path}#each${inner as string}`, { any: [encoded(value)] });
}

const eachWithEach = (a: Conjunction[], b: Conjunction[]): Conjunction[] =>
  a.flatMap((x) => b.flatMap((y) => joined(x, y) ?? []));

function joined(x: Conjunction, y: Conjunction): Conjunction | undefined {
  const all = new Map(x);
  for (const [attribute, condition] of y) {
    const met = both(all.get(attribute), condition);
    if (!met) return undefined;
    all.set(attribute, met);
  }
  return all;
}

/** Joins two conditions on one attribute, or returns undefined if no value satisfies both. */
function both(a: Condition | undefined, b: Condition): Condition | undefined {
  if (a === undefined || isDeepStrictEqual(a, b)) return b;
  const excluded = [...exclusionsOf(a), ...exclusionsOf(b)];
  const { ne: _a, notIn: _b, ...x } = a;
  const { ne: _c, notIn: _d, ...y } = b;
  const clash = Object.keys(x).find((name) => Object.hasOwn(y, name));
  if (clash !== undefined && (clash !== 'eq' || x.eq !== y.eq)) {
    if (clash === 'eq') return undefined;
    throw new Error(`two conditions ${clash} on one attribute`);
  }
  // values of two types exclude values of two types: there is no value of both
  if (new Set(excluded.map((each) => typeof each)).size > 1) return undefined;
  return { ...x, ...y, ...(excluded.length > 0 ? { notIn: [...new Set(excluded)] } : {}) };
}

const exclusionsOf = ({ ne, notIn = [] }: Condition): Scalar[] => [...(ne === undefined ? [] : [ne]), ...notIn];
