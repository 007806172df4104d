import type { CedarRequest } from './request';
import type { PolicyJson } from './reads';

/*
 * Calls that policies cannot distinguish have one answer. If every policy compares an amount with constants alone, as in
 * `context.cost.EUR > 500`, then only its place among these constants matters: 501 and 502 have the same answer. The key
 * of a request therefore has the place of such a value instead of the value. Cedar itself answers the first request of a key.
 */

/** The constants with which policies compare one value, ascending. */
export interface Places {
  /** names from a variable on: `context`, `cost`, `EUR` */
  readonly path: readonly string[];
  readonly constants: readonly number[];
}

/** Returns the values that policies compare with whole constants, and read in no other way. */
export function placesOf(policies: readonly PolicyJson[]): Places[] {
  const compared = new Map<string, { readonly path: readonly string[]; readonly constants: Set<number> }>();
  const others: (readonly string[])[] = [];
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const found = comparison(node);
    if (found) {
      const key = JSON.stringify(found.path);
      const known = compared.get(key) ?? { path: found.path, constants: new Set<number>() };
      compared.set(key, known);
      known.constants.add(found.constant);
      return;
    }
    const existence = pathIn((node as { has?: unknown }).has);
    if (existence) return; // the key has whether a value exists
    const path = pathOf(node);
    if (path) return void others.push(path);
    for (const each of Object.values(node)) walk(each);
  };
  for (const { conditions } of policies) walk(conditions);
  const isWithin = (path: readonly string[], other: readonly string[]): boolean =>
    path.every((name, i) => i >= other.length || other[i] === name);
  return [...compared.values()]
    .filter(({ path }) => !others.some((other) => isWithin(path, other)))
    .filter(({ path }) => ![...compared.values()].some((each) => each.path !== path && isWithin(path, each.path)))
    .map(({ path, constants }) => ({ path, constants: [...constants].sort((a, b) => a - b) }));
}

const ORDERS = ['<', '<=', '>', '>=', '==', '!='] as const;

/** Returns the path and the constant of `path < 5` or `5 < path`. */
function comparison(node: object): { readonly path: readonly string[]; readonly constant: number } | undefined {
  for (const order of ORDERS) {
    const of = (node as Record<string, unknown>)[order];
    if (typeof of !== 'object' || of === null) continue;
    const { left, right } = of as { left?: unknown; right?: unknown };
    for (const [value, other] of [
      [left, right],
      [right, left],
    ]) {
      const path = typeof value === 'object' && value !== null ? pathOf(value) : undefined;
      const constant = constantOf(other);
      if (path !== undefined && path.length > 1 && constant !== undefined) return { path, constant };
    }
  }
  return undefined;
}

function constantOf(node: unknown): number | undefined {
  const { Value: value } = (node ?? {}) as { Value?: unknown };
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

/** Returns the path of an expression that reads a member of a variable: `context.cost`. */
function pathOf(node: object): readonly string[] | undefined {
  const { Var: variable, '.': member } = node as { Var?: unknown; '.'?: unknown };
  return typeof variable === 'string' ? [variable] : pathIn(member);
}

function pathIn(member: unknown): readonly string[] | undefined {
  const { left, attr } = (member ?? {}) as { left?: unknown; attr?: unknown };
  if (typeof left !== 'object' || left === null || typeof attr !== 'string') return undefined;
  const of = pathOf(left);
  return of && [...of, attr];
}

/**
 * Returns a text that is the same only for requests that have the same answer.
 * @param request whose context and attributes are its own
 */
export function keyOf(request: CedarRequest, places: readonly Places[]): string {
  if (places.length === 0) return JSON.stringify(request);
  const at: (string | number)[] = [];
  const restore: (() => void)[] = [];
  for (const { path, constants } of places) {
    const [variable = '', ...names] = path;
    const last = names.pop() as string;
    let inside: unknown = variable === 'context' ? request.context : attributesOf(request, variable);
    for (const name of names) inside = isObject(inside) && Object.hasOwn(inside, name) ? inside[name] : undefined;
    const value = isObject(inside) && Object.hasOwn(inside, last) ? inside[last] : undefined;
    if (!isObject(inside) || !Number.isSafeInteger(value)) {
      at.push('');
      continue;
    }
    at.push(placeOf(value as number, constants));
    const owner = inside;
    owner[last] = COMPARED;
    restore.push(() => (owner[last] = value));
  }
  const key = JSON.stringify([at, request]);
  for (const each of restore) each();
  return key;
}

const COMPARED = null;
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const attributesOf = ({ entities }: CedarRequest, variable: string): unknown =>
  variable === 'principal' ? entities[0]?.attrs : variable === 'resource' ? entities[2]?.attrs : undefined;

/** Returns 2i + 1 for the constant at i, and 2i for a value below it and above the one before. */
function placeOf(value: number, constants: readonly number[]): number {
  let [low, high] = [0, constants.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((constants[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return constants[low] === value ? 2 * low + 1 : 2 * low;
}
