import type { WindowCap } from '@bailiwick/contracts/grants/grant';
import { money } from '@bailiwick/core/money';
import { quantity } from '@bailiwick/core/quantity';

/** Formats an amount of a currency, or of a unit. */
export const amountText: Readonly<Record<'cost' | 'units', (value: number, name: string) => string>> = {
  cost: money,
  units: quantity,
};

/** Formats the length of a window: `1h`, `day (Europe/Berlin)`. */
export const perText = ({ per, timezone }: WindowCap): string =>
  timezone === undefined ? per : `${per} (${timezone})`;

/** Formats the same for a path in the limits. */
export const keyText = ({ per, timezone }: WindowCap): string => (timezone === undefined ? per : `${per} ${timezone}`);
