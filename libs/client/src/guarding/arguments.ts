import { DeniedError } from '../errors';

/** Levels of lists and members. More is a circle, or has no digest. */
const DEEPEST = 200;

/**
 * Copies the arguments of a call. A tool gets the copy, and the decision its form as JSON, so that a value which JSON
 * would change or leave out is refused: the decision would be about other arguments. Dates have a form, and a member that
 * is undefined counts as left out.
 * @throws DeniedError ARGUMENTS_NOT_JSON
 */
export function exactCopy<A>(args: A): A {
  const copy = cloned(args);
  check(copy, []);
  return copy;
}

function cloned<A>(args: A): A {
  try {
    return structuredClone(args);
  } catch {
    // the error has the text of a function, and so what it encloses
    throw notJson([], 'a function, a symbol or an object of the platform');
  }
}

function check(value: unknown, path: readonly string[]): void {
  if (path.length > DEEPEST) throw notJson(path.slice(0, 5), `more than ${DEEPEST} levels, or a circle`);
  if (isScalar(value)) return;
  if (typeof value !== 'object') throw notJson(path, typeof value);
  const inner = innerOf(value as object);
  if (inner === undefined) throw notJson(path, tagOf(value));
  for (const [name, each] of inner) check(each, [...path, name]);
}

/** The kind of a value, also of another realm; a copy has no tag of its object. */
const tagOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1);

const isScalar = (value: unknown): boolean =>
  value === null ||
  typeof value === 'string' ||
  typeof value === 'boolean' ||
  Number.isFinite(value) ||
  (tagOf(value) === 'Date' && !Number.isNaN((value as Date).getTime()));

/** Returns the members that JSON has of a list or an object; undefined for a value that is neither. */
function innerOf(value: object): [string, unknown][] | undefined {
  // `entries` also has the holes of a list, as undefined
  if (Array.isArray(value)) return [...value.entries()].map(([index, each]) => [String(index), each]);
  if (!isPlain(value)) return undefined;
  return Object.entries(value).filter(([, each]) => each !== undefined);
}

/** An object literal, also one of another realm. */
const isPlain = (value: object): boolean => {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
};

function notJson(path: readonly string[], what: string): DeniedError {
  const where = path.length === 0 ? 'the arguments' : `the argument ${path.join('.').slice(0, 100)}`;
  const message = `${where} cannot be decided on: JSON has no form of it (${what.slice(0, 100)})`;
  return new DeniedError([{ rule: 'tool', outcome: 'deny', code: 'ARGUMENTS_NOT_JSON', message }]);
}
