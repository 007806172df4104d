import { WEEKDAYS, type WorkingHours } from '@bailiwick/contracts/policy/manifest';
import { clockAt, isTimeZone } from '@bailiwick/core/calendar';

/**
 * Returns why a time is outside of the working hours; undefined if it is within them. In a time zone that this machine
 * does not know no time is within them (I11).
 */
export function outside(hours: WorkingHours, now: number): string | undefined {
  if (!isTimeZone(hours.timezone)) return `the time zone ${hours.timezone} is unknown here`;
  const { weekday, minute } = clockAt(now, hours.timezone);
  const isDay = hours.days.some((day) => WEEKDAYS.indexOf(day) === weekday);
  if (isDay && minute >= minutesOf(hours.from) && minute < minutesOf(hours.until)) return undefined;
  return `it may act only ${describeHours(hours)}`;
}

const minutesOf = (clock: string): number => {
  const [hours, minutes] = clock.split(':').map(Number);
  return (hours ?? NaN) * 60 + (minutes ?? NaN);
};

/** Describes working hours: `mon, tue from 08:00 until 18:00 in Europe/Berlin`. */
export const describeHours = ({ days, from, until, timezone }: WorkingHours): string =>
  `${WEEKDAYS.filter((day) => days.includes(day)).join(', ')} from ${from} until ${until} in ${timezone}`;
