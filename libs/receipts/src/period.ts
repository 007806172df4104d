import type { Event } from '@bailiwick/contracts/events/event';
import type { Period } from '@bailiwick/contracts/receipts/receipt';
import type { Story } from './story';

// The times of a log never decrease, so the events of a period are consecutive in it, and each event is in exactly one of
// several consecutive periods.

/** Reports whether an event precedes a period. */
export const precedes = ({ time }: Pick<Event, 'time'>, { from }: Period): boolean =>
  Date.parse(time) < Date.parse(from);

/** Reports whether an event follows a period: `until` is exclusive. */
export const follows = ({ time }: Pick<Event, 'time'>, { until }: Period): boolean =>
  Date.parse(time) >= Date.parse(until);

/** Reports whether an event precedes the period of a receipt; none does if the receipt is about the entire run. */
export const isEarlier = (event: Pick<Event, 'time'>, { period }: Story): boolean =>
  period !== undefined && precedes(event, period);

/** Lists the limits of a receipt about a period. Receipts contain these texts: a change breaks verification. */
export const periodNotProved = ({ period }: Story): string[] =>
  period === undefined
    ? []
    : [
        `anything outside the period from ${period.from} until ${period.until}: of what came before, it contains only the leases with their last renewal, the approvals that they rest on, and what was in flight`,
        ...(period.open === undefined
          ? []
          : ['that the period was over: more may have happened in it after this receipt was made']),
      ];
