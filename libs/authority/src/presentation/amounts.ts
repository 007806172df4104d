import { money } from '@bailiwick/core/money';
import { quantity } from '@bailiwick/core/quantity';

/** Formats an amount of a currency, or of a unit. */
export const amountText: Readonly<Record<'cost' | 'units', (value: number, name: string) => string>> = {
  cost: money,
  units: quantity,
};
