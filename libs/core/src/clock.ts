import { remembered } from './memo';

/** Milliseconds since the epoch. The only place that reads time; rules get it as a value. */
export interface Clock {
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** Acts once after so many milliseconds, unless the function that it gives back is called before. */
export type Timer = (ms: number, act: () => void) => () => void;

export const systemTimer: Timer = (ms, act) => {
  const timer = setTimeout(act, ms);
  return () => clearTimeout(timer);
};

/** Milliseconds since some moment, for measuring how long something takes: whatever is done to the wall clock, it goes on. */
export const monotonicClock: Clock = { now: () => performance.now() };

/** RFC 3339 with milliseconds, UTC. */
export const rfc3339 = (ms: number): string => new Date(ms).toISOString();

/** RFC 3339 → ms; undefined where it is not a full date-time with an offset. The events of a batch have one time. */
export const parseTime = (text: string): number | undefined => known(text) ?? undefined;

const known = remembered((text) => read(text) ?? null, 1_000);

function read(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/i.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) || !isDay(text) ? undefined : ms;
}

/** The 30th of February is no day, although a date can be made of it. */
function isDay(text: string): boolean {
  if (Number(text.slice(8, 10)) <= 28) return true; // every month has so many
  const [year, month, day] = text.slice(0, 10).split('-').map(Number) as [number, number, number];
  return new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day;
}
