import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { COUNTERS, type BudgetLimit, type Counter } from '@bailiwick/contracts/grants/grant';
import { chain, issued } from './naive';

/**
 * Usage recomputed from the events for each query. A grant and its raises share one account; every permit is charged to
 * its own account and to every account above it.
 */
export interface Entry {
  readonly accounts: readonly string[];
  readonly permit: EventOf<'ActionPermitted'>;
  readonly at: number;
  readonly reserved: Readonly<Record<string, number>>;
  /** set once the outcome is known */
  readonly spent?: Readonly<Record<string, number>>;
  readonly settledAt?: number;
}

/** Returns the first grant of a chain of raises. */
export function account(events: readonly Event[], id: string): string {
  const before = issued(events, id)?.data.supersedes;
  return before === undefined ? id : account(events, before);
}

/** Returns the budget of an account: the budget of its newest grant. */
export function budgetOf(events: readonly Event[], id: string): BudgetLimit {
  const grants = events.filter(
    (event) => event.type === 'GrantIssued' && account(events, event.grantId as string) === id,
  );
  return (issued(events, grants[grants.length - 1]?.grantId) as EventOf<'GrantIssued'>).data.limits.budget;
}

export function entries(events: readonly Event[]): Entry[] {
  const permits = events.filter((event): event is EventOf<'ActionPermitted'> => event.type === 'ActionPermitted');
  return permits.map((permit): Entry => {
    const accounts = chain(events, permit.grantId as string).map((grant) => account(events, grant.grantId as string));
    const entry = { accounts, permit, at: Date.parse(permit.time), reserved: permit.data.charge.cost };
    const end = events.find((event) => isOutcome(event) && event.actionId === permit.actionId);
    return end && isOutcome(end) ? { ...entry, spent: end.data.charge.cost, settledAt: Date.parse(end.time) } : entry;
  });
}

type Outcome = EventOf<'ActionCompleted'> | EventOf<'ActionFailed'> | EventOf<'ActionAbandoned'>;
export const isOutcome = (event: Event): event is Outcome =>
  event.type === 'ActionCompleted' || event.type === 'ActionFailed' || event.type === 'ActionAbandoned';

export const of = (all: readonly Entry[], id: string): Entry[] => all.filter((entry) => entry.accounts.includes(id));

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

export const count = (all: readonly Entry[], counter: Counter): number =>
  sum(all.map((entry) => entry.permit.data.charge[counter]));

export function counts(all: readonly Entry[]): Record<Counter, number> {
  return Object.fromEntries(COUNTERS.map((counter) => [counter, count(all, counter)])) as Record<Counter, number>;
}

export const spent = (all: readonly Entry[], currency: string): number =>
  sum(all.map((entry) => entry.spent?.[currency] ?? 0));

export const held = (all: readonly Entry[], currency: string): number =>
  sum(all.map((entry) => (entry.spent ? 0 : (entry.reserved[currency] ?? 0))));

/** Sums the declared overruns: amounts spent beyond the reservation. */
export const over = (all: readonly Entry[], currency: string): number =>
  sum(all.map((entry) => Math.max(0, (entry.spent?.[currency] ?? 0) - (entry.reserved[currency] ?? 0))));

export const currencies = (all: readonly Entry[]): string[] => [
  ...new Set(all.flatMap((entry) => Object.keys({ ...entry.reserved, ...entry.spent }))),
];

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
export function lengthOf(per: string): number {
  const [, n, unit] = /^(\d+)([a-z]+)$/.exec(per) as unknown as [string, string, string];
  return Number(n) * (UNITS[unit] as number);
}

/**
 * Returns the use of a counter or a currency by an account within a window that ends now: dated by its permit, at the
 * reserved amount or, once known, the spent one. An overrun reported after its permit left the window counts from then.
 * @param slack how much later than its time an entry may still count as within the window
 */
export function within(all: readonly Entry[], what: string, per: number, now: number, slack = 0): number {
  const since = now - per - slack;
  const isCount = (COUNTERS as readonly string[]).includes(what);
  return sum(
    all.map((entry) => {
      const { at, reserved, spent: paid, settledAt } = entry;
      if (isCount) return at > since ? entry.permit.data.charge[what as Counter] : 0;
      const kept = reserved[what] ?? 0;
      const beyond = Math.max(0, (paid?.[what] ?? 0) - kept);
      const late = settledAt !== undefined && at + per + (slack > 0 ? 0 : bucket(per)) <= settledAt;
      const own = at > since ? (late || !paid ? kept : (paid[what] ?? 0)) : 0;
      const extra = late && (settledAt ?? 0) > since ? beyond : 0;
      return own + extra;
    }),
  );
}

/** Returns the length of a bucket. A window has 256; the oldest one counts until all of it has left the window. */
export const bucket = (per: number): number => Math.ceil(per / 256);
