import { parseTime, rfc3339, systemClock } from '@bailiwick/core/clock';
import { UsageError } from '../context';

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Reads a duration such as 24h or 7d. @returns the time that is this long from now, or ago: RFC 3339 */
export function timeIn(flag: string, text: string, direction: 1 | -1): string {
  const [, amount, unit] = /^([1-9]\d{0,4})([mhd])$/.exec(text) ?? [];
  if (amount === undefined)
    throw new UsageError(`${flag} must be a duration such as 24h or 7d, not ${JSON.stringify(text)}`);
  return rfc3339(systemClock.now() + direction * Number(amount) * UNITS[unit as keyof typeof UNITS]);
}

/** Reads `--since`: a time, or how long ago. */
export const sinceOf = (text: string | undefined): string | undefined =>
  text === undefined || parseTime(text) !== undefined ? text : timeIn('--since', text, -1);
