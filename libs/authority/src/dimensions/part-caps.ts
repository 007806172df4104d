import type { Permission } from '@bailiwick/contracts/grants/grant';
import { money } from '@bailiwick/core/money';
import { quantity } from '@bailiwick/core/quantity';
import { SETTLED, type Amounts } from '../state/usage';
import { counted, sentence } from '../presentation/text';

/** Caps for a part of the actions of a lease: an entry of `budget.perVerb`, or of `permissions`. */
export type PartCaps = Pick<Permission, 'calls' | 'cost' | 'units'>;

export const isCapped = ({ calls, cost, units }: PartCaps): boolean =>
  calls !== undefined || cost !== undefined || units !== undefined;

/** Reads an own cap, never an inherited member. */
export const capOf = (caps: Amounts | undefined, name: string): number | undefined =>
  caps && Object.hasOwn(caps, name) ? caps[name] : undefined;

/** Reports whether caps allow no more than others: each cap of the others is present, and no larger. */
export const isWithin = (own: PartCaps, most: PartCaps): boolean =>
  (most.calls === undefined || (own.calls !== undefined && own.calls <= most.calls)) &&
  SETTLED.every((kind) =>
    Object.entries(most[kind] ?? {}).every(([name, cap]) => {
      const value = capOf(own[kind], name);
      return value !== undefined && value <= cap;
    }),
  );

/** Returns every cap of either, the smaller if both name one; no member that would be empty. */
export function tighterCaps(a: PartCaps, b: PartCaps): PartCaps {
  const met: PartCaps = {};
  if (a.calls !== undefined || b.calls !== undefined) met.calls = Math.min(a.calls ?? Infinity, b.calls ?? Infinity);
  for (const kind of SETTLED) {
    const caps = tighterCost(a[kind], b[kind]);
    if (!isEmpty(caps)) met[kind] = caps;
  }
  return met;
}

/** Returns every cap of either, the smaller if both name one. Sorted by currency, or by unit. */
export function tighterCost(a: Amounts = {}, b: Amounts = {}): Record<string, number> {
  const currencies = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
  return Object.fromEntries(
    currencies.map((currency) => [currency, Math.min(capOf(a, currency) ?? Infinity, capOf(b, currency) ?? Infinity)]),
  );
}

export const isEmpty = (caps: Amounts): boolean => Object.keys(caps).length === 0;

export const formatUnits = (units: Amounts = {}): string[] =>
  Object.entries(units).map(([unit, cap]) => quantity(cap, unit));
export const formatCosts = (cost: Amounts): string[] =>
  Object.entries(cost).map(([currency, cap]) => money(cap, currency));

/** Formats caps: `5 calls and 500.00 EUR`. */
export const formatPartCaps = ({ calls, cost, units }: PartCaps): string =>
  sentence([
    ...(calls === undefined ? [] : [counted(calls, 'call')]),
    ...formatCosts(cost ?? {}),
    ...formatUnits(units),
  ]) || 'no cap';
