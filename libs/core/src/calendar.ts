/**
 * Days, weeks and months in a time zone, as instants. A period starts at its first local midnight, or where the clock
 * skips midnight, at the first instant after it; so days of 23, 24.5 or 25 hours are whole, and every instant is in
 * exactly one period. Reads the time zone data of this machine: the result may differ elsewhere, so a decision that uses
 * it records it.
 */
export const CALENDAR_UNITS = ['day', 'week', 'month'] as const;
export type CalendarUnit = (typeof CALENDAR_UNITS)[number];

/** A period of a calendar, ms: it includes its start and excludes its end. */
export interface Period {
  readonly start: number;
  readonly end: number;
}

const DAY = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

/** @throws RangeError if the zone is unknown on this machine */
function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      ...{ timeZone: zone, calendar: 'iso8601', numberingSystem: 'latn', hourCycle: 'h23', era: 'short' },
      ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
    });
    if (formats.size >= 1_000) formats.clear();
    formats.set(zone, format);
  }
  return format;
}

/** Reports whether this machine knows a zone of this name. Offsets such as `+01:00` are not names. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/.test(name)) return false;
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

/** Returns what local clocks show at an instant, as the milliseconds at which clocks in UTC show the same. */
function localTime(at: number, zone: string): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of formatOf(zone).formatToParts(at)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) + (((at % 1_000) + 1_000) % 1_000);
}

/**
 * Returns the first instant at which local clocks show this time or a later one.
 * @param local what clocks show, as the milliseconds at which clocks in UTC show it
 */
function firstAt(local: number, zone: string): number {
  // offsets are less than a day, so the instant is between these two; clocks that are set back make several passes
  let [before, from] = [local - 2 * DAY, local + 2 * DAY];
  const candidates = new Set<number>();
  for (const near of [local - DAY, local, local + DAY]) candidates.add(local - (localTime(near, zone) - near));
  const exact = [...candidates].filter((at) => localTime(at, zone) === local);
  if (exact.length > 0) return Math.min(...exact);
  // clocks skip this time: the instant at which they do
  while (from - before > 1) {
    const middle = Math.floor((before + from) / 2);
    if (localTime(middle, zone) >= local) from = middle;
    else before = middle;
  }
  return from;
}

/** Returns the start of the n-th unit after the one of a local time, as a local time. */
function startOf(unit: CalendarUnit, local: number, n: number): number {
  const midnight = Math.floor(local / DAY) * DAY;
  if (unit === 'day') return midnight + n * DAY;
  const date = new Date(midnight);
  if (unit === 'week') return midnight - ((date.getUTCDay() + 6) % 7) * DAY + n * 7 * DAY;
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + n, 1);
}

/**
 * Returns the day, ISO week (from Monday) or month that contains an instant. Clocks that are set back across midnight
 * show the earlier day again; that time still belongs to the day that has started.
 * @throws RangeError if the zone is unknown on this machine
 */
export function periodAt(unit: CalendarUnit, zone: string, at: number): Period {
  const local = localTime(at, zone);
  const next = firstAt(startOf(unit, local, 1), zone);
  if (next > at) return { start: firstAt(startOf(unit, local, 0), zone), end: next };
  return { start: next, end: firstAt(startOf(unit, local, 2), zone) };
}

/** Formats an instant as clocks of a zone show it: `2026-03-29T00:00:00+01:00`. */
export function zonedText(at: number, zone: string): string {
  const second = Math.floor(at / 1_000) * 1_000;
  const local = localTime(second, zone);
  const minutes = Math.round((local - second) / 60_000);
  const two = (n: number): string => String(n).padStart(2, '0');
  const offset = `${minutes < 0 ? '-' : '+'}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
  return `${new Date(local).toISOString().slice(0, 19)}${offset}`;
}

/**
 * Returns the day of the week (0 is Monday) and the minute of the day that clocks of a zone show at an instant.
 * @throws RangeError if the zone is unknown on this machine
 */
export function clockAt(at: number, zone: string): { readonly weekday: number; readonly minute: number } {
  const local = localTime(at, zone);
  const days = Math.floor(local / DAY);
  // 1 January 1970 was a Thursday
  return { weekday: (((days + 3) % 7) + 7) % 7, minute: Math.floor((local - days * DAY) / 60_000) };
}
