import { rememberedShort } from '@bailiwick/core/memo';
import { DRIFT_LIMITS } from './drift-limits';
import { normalize } from './words';

/** Kinds of values, by how likely a match is no coincidence: an address is none, the number 5 may be one. */
export type ValueKind = 'identifier' | 'name' | 'phrase' | 'number';

/** One value in the arguments of a call that affects what the call does. */
export interface Value {
  /** normalized */
  readonly text: string;
  readonly kind: ValueKind;
  /** path in the arguments: `recipients.0` */
  readonly path: string;
}

const EMAIL = /[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/gu;
const ADDRESS = /(?:https?:\/\/)?[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)*\.\p{L}{2,}(?:\/[^\s"'<>]*)?/gu;
/** letters with digits, or parts joined by - or _: account numbers, codes, keys, file names */
const CODE = /(?=[\p{L}\p{N}_-]*\p{L})(?=[\p{L}\p{N}_-]*[\p{N}_-])[\p{L}\p{N}][\p{L}\p{N}_-]{4,}[\p{L}\p{N}]/gu;
const LONG_NUMBER = /(?<![\d.,-])\d{6,}(?![\d-]|[.,]\d)/g;
const DATE = /^\d{4}-\d{2}-\d{2}/;
const SHORT = 80;

/** Finds addresses, codes and long numbers in a text, normalized, each once. */
export const identifiersIn = (text: string): readonly string[] => takeIdentifiers(text).identifiers;

interface Taken {
  readonly identifiers: readonly string[];
  readonly rest: string;
}

/** Short texts recur: the id of a resource is often an argument, too. */
const takeIdentifiers = rememberedShort<Taken>(splitIdentifiers, 2_048, 128);

function splitIdentifiers(text: string): Taken {
  const found = new Set<string>();
  let rest = text.normalize('NFKC');
  for (const pattern of [EMAIL, ADDRESS, CODE, LONG_NUMBER]) {
    // removes each match, so that the host of an address does not become a separate value
    rest = rest.replace(pattern, (match) => {
      found.add(trimAddress(match));
      return ' ';
    });
  }
  found.delete('');
  return { identifiers: [...found], rest };
}

/** Removes the scheme, `www.` and trailing punctuation from an address. */
function trimAddress(text: string): string {
  return normalize(text)
    .replace(/^https?:\/\//, '')
    .replace(/^www\./, '')
    .replace(/[/.,;:!?)\]}'"]+$/, '');
}

/** Lists the values of a call's arguments, at most `DRIFT_LIMITS.valuesPerCall`. */
export function valuesOf(args: unknown): Value[] {
  const values: Value[] = [];
  collect(args, '', 0, values);
  return values;
}

function collect(value: unknown, path: string, depth: number, into: Value[]): void {
  if (into.length >= DRIFT_LIMITS.valuesPerCall || depth > DRIFT_LIMITS.argumentDepth) return;
  if (typeof value === 'string') return collectText(value, path, into);
  if (typeof value === 'number') {
    into.push({ text: String(value), kind: 'number', path });
    return;
  }
  if (value === null || typeof value !== 'object') return;
  for (const [key, each] of Object.entries(value)) collect(each, path === '' ? key : `${path}.${key}`, depth + 1, into);
}

function collectText(raw: string, path: string, into: Value[]): void {
  const { identifiers, rest } = takeIdentifiers(raw);
  for (const text of identifiers) {
    if (into.length < DRIFT_LIMITS.valuesPerCall)
      into.push({ text, kind: DATE.test(text) ? 'number' : 'identifier', path });
  }
  const text = normalize(raw);
  if (text.length > SHORT || !/[\p{L}\p{N}]/u.test(rest)) return;
  if (into.length >= DRIFT_LIMITS.valuesPerCall) return;
  into.push({ text, kind: kindOf(raw, text), path });
}

function kindOf(raw: string, text: string): ValueKind {
  if (/^[\d\s.,:%$€£+-]+$/.test(text)) return 'number';
  return /\p{Lu}\p{Ll}/u.test(raw) ? 'name' : 'phrase';
}

/** Reports whether a normalized text contains a value as whole words. */
export function holds(text: string, value: string): boolean {
  if (value === '') return false;
  for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + 1)) {
    if (!joins(text[at - 1], value[0]) && !joins(value[value.length - 1], text[at + value.length])) return true;
  }
  return false;
}

const ALNUM = /[\p{L}\p{N}]/u;
function joins(left: string | undefined, right: string | undefined): boolean {
  return left !== undefined && right !== undefined && ALNUM.test(left) && ALNUM.test(right);
}
