import type { Condition, Scalar } from '@bailiwick/contracts/grant';
import { clip, listed, sentence } from '../presentation/text';

/** The attributes of a resource, as the enforcement point states them. */
export type Attributes = Readonly<Record<string, Scalar>>;

/**
 * Reports whether a value satisfies all parts of a condition. A value that is missing, of another type, or not a finite
 * number satisfies none (I11), and nothing satisfies a condition without parts.
 */
export function satisfies(condition: Condition, value: Scalar | undefined): boolean {
  if (value === undefined || (typeof value === 'number' && !Number.isFinite(value))) return false;
  const { in: among, eq, lte, gte, prefix } = condition;
  return (
    hasParts(condition) &&
    (among === undefined || among.includes(value)) &&
    (eq === undefined || eq === value) &&
    (lte === undefined || (typeof value === 'number' && value <= lte)) &&
    (gte === undefined || (typeof value === 'number' && value >= gte)) &&
    (prefix === undefined || (typeof value === 'string' && value.startsWith(prefix)))
  );
}

const hasParts = ({ in: among, eq, lte, gte, prefix }: Condition): boolean =>
  (among ?? eq ?? lte ?? gte ?? prefix) !== undefined;

/**
 * Reports whether every value that satisfies `narrow` satisfies `wide`. The result is exact: a condition admits
 * finitely many values (they are tried), or all numbers of a range, or all texts with a prefix (they are compared part
 * by part). A condition that admits nothing implies everything. Text lengths count as unbounded, numbers as dense.
 */
export function implies(narrow: Condition, wide: Condition): boolean {
  const values = onlyValues(narrow);
  if (values) return values.every((value) => !satisfies(narrow, value) || satisfies(wide, value));
  if (!hasParts(wide) || wide.eq !== undefined || wide.in !== undefined) return false;
  return (
    (wide.lte === undefined || (narrow.lte !== undefined && narrow.lte <= wide.lte)) &&
    (wide.gte === undefined || (narrow.gte !== undefined && narrow.gte >= wide.gte)) &&
    (wide.prefix === undefined || (narrow.prefix !== undefined && narrow.prefix.startsWith(wide.prefix)))
  );
}

/** Returns all values that satisfy a condition, or undefined if there are infinitely many. */
function onlyValues(condition: Condition): readonly Scalar[] | undefined {
  const { in: among, eq, lte, gte, prefix } = condition;
  if (!hasParts(condition)) return [];
  if (eq !== undefined) return [eq];
  if (among !== undefined) return among;
  if (prefix !== undefined) return lte === undefined && gte === undefined ? undefined : [];
  if (lte === undefined || gte === undefined || lte > gte) return undefined;
  return lte === gte ? [lte] : [];
}

/** Combines two conditions; undefined if no value satisfies both. */
export function both(a: Condition, b: Condition): Condition | undefined {
  if (!hasParts(a) || !hasParts(b)) return undefined;
  const met: Condition = {};
  if (a.eq !== undefined && b.eq !== undefined && a.eq !== b.eq) return undefined;
  const eq = a.eq ?? b.eq;
  if (eq !== undefined) met.eq = eq;
  const among = a.in && b.in ? a.in.filter((value) => b.in?.includes(value)) : (a.in ?? b.in);
  if (among) met.in = among;
  if (a.lte !== undefined || b.lte !== undefined) met.lte = Math.min(a.lte ?? Infinity, b.lte ?? Infinity);
  if (a.gte !== undefined || b.gte !== undefined) met.gte = Math.max(a.gte ?? -Infinity, b.gte ?? -Infinity);
  const [short, long] = [a.prefix ?? '', b.prefix ?? ''].sort((x, y) => x.length - y.length) as [string, string];
  if (!long.startsWith(short)) return undefined;
  if (a.prefix !== undefined || b.prefix !== undefined) met.prefix = long;
  return onlyValues(met)?.some((value) => satisfies(met, value)) === false ? undefined : met;
}

/** Describes a condition, e.g. `sensitivity is one of public, internal`. */
export function describeCondition(attribute: string, condition: Condition): string {
  const { eq, in: among, lte, gte, prefix } = condition;
  const parts = [
    ...(eq === undefined ? [] : [`is ${clip(String(eq))}`]),
    ...(among === undefined ? [] : [`is one of ${listed(among, 'none')}`]),
    ...(gte === undefined ? [] : [`is at least ${gte}`]),
    ...(lte === undefined ? [] : [`is at most ${lte}`]),
    ...(prefix === undefined ? [] : [`starts with ${clip(prefix)}`]),
  ];
  return `${clip(attribute)} ${sentence(parts)}`;
}
