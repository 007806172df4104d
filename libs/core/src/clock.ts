import { remembered } from './memo';

/** Reads the time in milliseconds since the epoch. Rules receive the time as a value. */
export interface Clock {
  now(): number;
}

/**
 * The wall clock. No other product file reads `Date.now()`, and no pure package uses this (rule in eslint.config.mjs).
 */
export const systemClock: Clock = { now: () => Date.now() };

/** Calls a function once after a delay; the returned function cancels it. */
export type Timer = (ms: number, act: () => void) => () => void;

export const systemTimer: Timer = (ms, act) => {
  const timer = setTimeout(act, ms);
  return () => clearTimeout(timer);
};

/** Milliseconds since an arbitrary moment, for measuring durations. Changes of the wall clock do not affect it. */
export const monotonicClock: Clock = { now: () => performance.now() };

/** Formats a time as RFC 3339 with milliseconds, in UTC. Cached: decisions of a batch share a time. */
export const rfc3339 = remembered((ms: number) => new Date(ms).toISOString(), 1_000);

/**
 * Parses RFC 3339 to ms; undefined unless it is a full date-time with an offset. Cached: events of a batch share one.
 */
export const parseTime = (text: string): number | undefined => known(text) ?? undefined;

const known = remembered((text) => read(text) ?? null, 1_000);

function read(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/i.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) || !isDay(text) ? undefined : ms;
}

/** Checks that the day exists: Date.parse accepts the 30th of February. */
function isDay(text: string): boolean {
  if (Number(text.slice(8, 10)) <= 28) return true; // every month has 28 days
  const [year, month, day] = text.slice(0, 10).split('-').map(Number) as [number, number, number];
  return new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day;
}
