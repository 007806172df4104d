import type { Condition, Scalar } from '#contracts/grant';

/** Does a value satisfy all parts of a condition? A missing value, and a value of another type, satisfies none. */
export function satisfies(condition: Condition, value: Scalar | undefined): boolean {
  if (value === undefined || (typeof value === 'number' && !Number.isFinite(value))) return false;
  const { in: among, eq, lte, gte, prefix } = condition;
  if (among === undefined && eq === undefined && lte === undefined && gte === undefined && prefix === undefined) return false;
  return (
    (among === undefined || among.includes(value)) &&
    (eq === undefined || eq === value) &&
    (lte === undefined || (typeof value === 'number' && value <= lte)) &&
    (gte === undefined || (typeof value === 'number' && value >= gte)) &&
    (prefix === undefined || (typeof value === 'string' && value.startsWith(prefix)))
  );
}

/**
 * Does every value that satisfies `narrow` satisfy `wide`? Decided on the finite set of values where there is one, and
 * part by part otherwise; an unsure answer is no.
 */
export function implies(narrow: Condition, wide: Condition): boolean {
  const finite = narrow.eq !== undefined ? [narrow.eq] : narrow.in;
  if (finite) return finite.every((value) => !satisfies(narrow, value) || satisfies(wide, value));
  if (wide.eq !== undefined || wide.in !== undefined) return false;
  return (
    (wide.lte === undefined || (narrow.lte !== undefined && narrow.lte <= wide.lte)) &&
    (wide.gte === undefined || (narrow.gte !== undefined && narrow.gte >= wide.gte)) &&
    (wide.prefix === undefined || (narrow.prefix !== undefined && narrow.prefix.startsWith(wide.prefix)))
  );
}

export function describeCondition(attribute: string, condition: Condition): string {
  const parts = [
    condition.eq === undefined ? [] : [`is ${condition.eq}`],
    condition.in === undefined ? [] : [`is one of ${condition.in.join(', ')}`],
    condition.lte === undefined ? [] : [`is at most ${condition.lte}`],
    condition.gte === undefined ? [] : [`is at least ${condition.gte}`],
    condition.prefix === undefined ? [] : [`begins with ${condition.prefix}`],
  ].flat();
  return `${attribute} ${parts.join(' and ')}`;
}
