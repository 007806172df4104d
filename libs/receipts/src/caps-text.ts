import { COUNTERS, type BudgetLimit } from '@bailiwick/contracts/grants/grant';
import { money } from '@bailiwick/core/money';
import { quantity } from '@bailiwick/core/quantity';

/** Formats caps: `5 calls, 500.00 EUR`. */
export const capsText = ({ cost, units = {}, ...caps }: Partial<Omit<BudgetLimit, 'windows' | 'perVerb'>>): string =>
  [
    ...COUNTERS.flatMap((what) => (caps[what] === undefined ? [] : [`${caps[what]} ${what}`])),
    ...Object.entries(cost ?? {}).map(([currency, value]) => money(value, currency)),
    ...Object.entries(units).map(([unit, value]) => quantity(value, unit)),
  ].join(', ');
