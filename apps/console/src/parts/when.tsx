import { useEffect, useState, type ReactNode } from 'react';
import { nowMs } from '../clock';
import { T } from '../texts';

const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const;

/** A length of time with its largest unit, and the next one for hours: `3 min`, `1 h 20 min`. */
export function lengthText(ms: number): string {
  const at = UNITS.findIndex(([size]) => ms >= size);
  const [size, unit] = UNITS[at] ?? UNITS[3];
  const whole = Math.floor(ms / size);
  const next = UNITS[at + 1];
  const rest = next && size >= 3_600_000 ? Math.floor((ms % size) / next[0]) : 0;
  return next && rest > 0 ? `${whole} ${unit} ${rest} ${next[1]}` : `${whole} ${unit}`;
}

/** The time now, read again every `everyMs`. */
export function useNow(everyMs = 1_000): number {
  const [now, setNow] = useState(nowMs);
  useEffect(() => {
    const timer = setInterval(() => setNow(nowMs()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

const sameDay = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const otherDay = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** A time of the API in the zone of the browser, with UTC as its title. */
export function When({ at }: { at: string | undefined }): ReactNode {
  if (at === undefined) return null;
  const date = new Date(at);
  const isToday = date.toDateString() === new Date(nowMs()).toDateString();
  return (
    <time dateTime={at} title={T.time.utc(at.replace('T', ' ').replace(/\.\d+Z$|Z$/, ''))}>
      {(isToday ? sameDay : otherDay).format(date)}
    </time>
  );
}

/** What is left until a time. */
export function Left({ until }: { until: string | undefined }): ReactNode {
  const now = useNow();
  if (until === undefined) return null;
  const ms = Date.parse(until) - now;
  return (
    <time dateTime={until} title={T.time.utc(until)} className={ms < 60_000 ? 'num soon' : 'num'}>
      {ms <= 0 ? T.time.over : lengthText(ms)}
    </time>
  );
}
