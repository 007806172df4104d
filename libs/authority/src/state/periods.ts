import type { CalendarPeriod } from '@bailiwick/contracts/events/event';
import type { BudgetLimit, WindowCap } from '@bailiwick/contracts/grants/grant';
import { periodAt, type CalendarUnit, type Period } from '@bailiwick/core/calendar';
import { rfc3339 } from '@bailiwick/core/clock';
import { currentPeriod, type MutableUsage } from './usage';

/*
 * When a day starts depends on the time zone data of the machine, which change several times a year. The decision
 * therefore records the periods that start with its permit, and each fold takes them from the event: a refold, a
 * snapshot, an audit and a receipt give the same usage on every machine and in every year (I10). A period that has started
 * lasts until its recorded end. Two owners with different data cannot make usage start again: at worst a period ends
 * when the data of its first owner stated.
 */

interface Account {
  readonly usage: MutableUsage;
  readonly limits: { readonly budget: BudgetLimit };
}

/**
 * Returns the calendar periods that a permit would start in one of these accounts; undefined if there are none.
 * @param known periods that are taken as they are, as far as they contain `now`
 */
export function periodsFor(
  accounts: readonly Account[],
  now: number,
  known: readonly CalendarPeriod[] = [],
): CalendarPeriod[] | undefined {
  let periods: CalendarPeriod[] | undefined;
  for (const { usage, limits } of accounts) {
    const { windows } = limits.budget;
    for (let i = 0; i < windows.length; i++) {
      const window = windows[i] as WindowCap;
      const { per, timezone } = window;
      if (timezone === undefined || currentPeriod(usage.windows[i]?.buckets ?? [], now)) continue;
      const isSame = (each: CalendarPeriod): boolean => each.per === per && each.timezone === timezone;
      if (periods?.some(isSame)) continue;
      const recorded = known.find(
        (each) => isSame(each) && Date.parse(each.start) <= now && now < Date.parse(each.end),
      );
      const period = recorded ?? computed(window, now);
      if (period) (periods ??= []).push(period);
    }
  }
  return periods;
}

function computed(window: WindowCap, now: number): CalendarPeriod | undefined {
  const period = calendarPeriodOf(window, now);
  if (!period) return undefined; // the decision denies: the zone is unknown here
  const { per, timezone } = window;
  const [start, end] = [rfc3339(period.start), rfc3339(period.end)];
  return { per: per as CalendarUnit, timezone: timezone as string, start, end };
}

/** Returns the period of a calendar window by the data of this machine; undefined if it does not know the zone (I11). */
export function calendarPeriodOf({ per, timezone }: WindowCap, now: number): Period | undefined {
  try {
    return timezone === undefined ? undefined : periodAt(per as CalendarUnit, timezone, now);
  } catch {
    return undefined;
  }
}

/** Reports whether a permit states a period for each calendar window of its chain in which none lasts. */
export function statesPeriods(
  accounts: readonly Account[],
  now: number,
  periods: readonly CalendarPeriod[] = [],
): boolean {
  return accounts.every(({ usage, limits }) =>
    limits.budget.windows.every(
      ({ per, timezone }, i) =>
        timezone === undefined ||
        currentPeriod(usage.windows[i]?.buckets ?? [], now) !== undefined ||
        periods.some((each) => each.per === per && each.timezone === timezone && contains(each, now)),
    ),
  );
}

const contains = ({ start, end }: CalendarPeriod, now: number): boolean =>
  Date.parse(start) <= now && now < Date.parse(end);
