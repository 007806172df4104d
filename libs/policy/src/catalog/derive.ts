import type { Attribute } from '@bailiwick/contracts/actions/action';
import type { AttributeSource, CatalogEntry, CostEstimate } from '@bailiwick/contracts/policy/catalog-entry';
import { LIMITS } from '@bailiwick/core/limits';
import { minorDigits } from '@bailiwick/core/money';
import { remembered } from '@bailiwick/core/memo';
import { err, ok, type Result } from '@bailiwick/core/result';
import { addressesOf } from './addresses';
import { readTemplate } from './id-template';
import { valueAt } from './pointer';

/** What an entry takes from the arguments of a call. The id is not in its normal form yet. */
export interface Derived {
  readonly resource?: { readonly type: string; readonly id: string };
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly cost?: Readonly<Record<string, number>>;
  readonly units?: Readonly<Record<string, number>>;
}

/**
 * Takes resource, attributes, cost and units of a call from its arguments, or returns the fault, for people. An id, a
 * cost and a unit need their values. An attribute whose argument is missing is left out: no condition of a permission
 * holds for it, and each condition of a denial does. An object or a nested list is a fault.
 */
export function derive(entry: CatalogEntry, args: unknown): Result<Derived, string> {
  const id = entry.resource && fill(entry.resource.id, args);
  if (id && !id.ok) return id;
  const attributes = collect(entry.attributes ?? {}, (source) => attributeOf(source, args));
  if (!attributes.ok) return attributes;
  const cost = entry.cost && collect(entry.cost, (estimate, currency) => costOf(estimate, currency, args));
  if (cost && !cost.ok) return cost;
  const units = entry.units && collect(entry.units, (estimate) => countOf(estimate, args));
  if (units && !units.ok) return units;
  return ok({
    ...(entry.resource && id ? { resource: { type: entry.resource.type, id: id.value } } : {}),
    attributes: attributes.value,
    ...(cost ? { cost: cost.value } : {}),
    ...(units ? { units: units.value } : {}),
  });
}

const templateOf = remembered(readTemplate, 10_000);

function fill(template: string, args: unknown): Result<string, string> {
  const pieces = templateOf(template);
  if (!pieces.ok) return pieces;
  let id = '';
  for (const piece of pieces.value) {
    if ('text' in piece) {
      id += piece.text;
      continue;
    }
    const text = nameAt(args, piece.pointer);
    if (!text.ok) return text;
    if (!piece.slashes && /[/\\]|%(2f|5c)/i.test(text.value))
      return err(`the argument ${piece.pointer} has a slash, and is one name of the resource`);
    id += text.value;
    if (id.length > LIMITS.resourceIdLength)
      return err(`the arguments make a resource id longer than ${LIMITS.resourceIdLength} characters`);
  }
  return ok(id);
}

/** A name is a text or a whole number; 5 and "5" are one name. */
function nameAt(args: unknown, path: string): Result<string, string> {
  const value = valueAt(args, path);
  if (typeof value === 'string') return value === '' ? err(`the argument ${path} is empty`) : ok(value);
  if (typeof value === 'number' && Number.isSafeInteger(value)) return ok(String(value));
  return err(`the argument ${path} names the resource, and ${isWrong(value)}; it must be a text or a whole number`);
}

/** Of arguments that are not all stated, it is not known whether they have an address: the attribute is left out. */
function attributeOf(source: AttributeSource, args: unknown): Result<Attribute | undefined, string> {
  return typeof source === 'string' ? attributeAt(args, source) : addressesOf(args);
}

function attributeAt(args: unknown, path: string): Result<Attribute | undefined, string> {
  const value = valueAt(args, path);
  if (value === undefined) return ok(undefined);
  const all: unknown[] = Array.isArray(value) ? value : [value];
  if (all.length > LIMITS.valuesPerAttribute)
    return err(`the argument ${path} has more than ${LIMITS.valuesPerAttribute} values`);
  for (const each of all) {
    const isValue =
      typeof each === 'boolean' || typeof each === 'string' || (typeof each === 'number' && Number.isFinite(each));
    if (!isValue) return err(`the argument ${path} is an attribute of the resource, and ${isWrong(each)}`);
    if (typeof each === 'string' && each.length > LIMITS.nameLength)
      return err(`the argument ${path} is longer than ${LIMITS.nameLength} characters`);
  }
  return ok(Array.isArray(value) ? (all as Attribute) : (value as Attribute));
}

function countOf(estimate: number | string, args: unknown): Result<number, string> {
  if (typeof estimate === 'number') return ok(estimate);
  const value = valueAt(args, estimate);
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= LIMITS.amountMax)
    return ok(value + 0);
  return err(`the argument ${estimate} is an amount, and ${isWrong(value)}; it must be a whole number, not below 0`);
}

function costOf(estimate: CostEstimate, currency: string, args: unknown): Result<number, string> {
  if (typeof estimate !== 'object') return countOf(estimate, args);
  const value = valueAt(args, estimate.major);
  const digits = minorDigits(currency);
  const text = typeof value === 'number' || typeof value === 'string' ? String(value) : '';
  const [, whole, fraction = ''] = /^(\d{1,16})(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === undefined || digits === undefined || fraction.length > digits)
    return err(
      `the argument ${estimate.major} is an amount of ${currency}, and ${isWrong(value)}; it must be a number with at most ${digits ?? 0} decimals, not below 0`,
    );
  const minor = Number(whole + fraction.padEnd(digits, '0'));
  return minor <= LIMITS.amountMax ? ok(minor) : err(`the argument ${estimate.major} is too large an amount`);
}

function isWrong(value: unknown): string {
  if (value === undefined) return 'is missing';
  if (value === null) return 'is null';
  if (Array.isArray(value)) return 'is a list';
  if (typeof value === 'object') return 'is an object';
  return `is ${(JSON.stringify(value) ?? 'no JSON').slice(0, 60)}`;
}

function collect<T, U>(
  members: Readonly<Record<string, T>>,
  of: (value: T, name: string) => Result<U | undefined, string>,
): Result<Record<string, U>, string> {
  const found: [string, U][] = [];
  for (const [name, value] of Object.entries(members)) {
    const result = of(value, name);
    if (!result.ok) return result;
    if (result.value !== undefined) found.push([name, result.value]);
  }
  return ok(Object.fromEntries(found));
}
