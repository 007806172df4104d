/** Milliseconds since the epoch. The only place that reads time; rules get it as a value. */
export interface Clock {
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** RFC 3339 with milliseconds, UTC. */
export const rfc3339 = (ms: number): string => new Date(ms).toISOString();

/** RFC 3339 → ms; undefined where it is not a full date-time with an offset. */
export function parseTime(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/i.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
