/**
 * Formats a whole number with commas between thousands: `200,000`. The same text on every machine, whatever its locale.
 */
export const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

/** Formats an amount of a unit: `200,000 tokens`. */
export const quantity = (n: number, unit: string): string => `${grouped(n)} ${unit}`;

/** Formats the amount of each unit: `200,000 tokens, 50 pages`. */
export const unitsText = (units: Readonly<Record<string, number>> = {}): string =>
  Object.entries(units)
    .map(([unit, n]) => quantity(n, unit))
    .join(', ');
