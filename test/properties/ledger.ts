import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import {
  COUNTERS,
  type BudgetLimit,
  type Counter,
  type Permission,
  type WindowCap,
} from '@bailiwick/contracts/grants/grant';
import { chain, covers, issued, standing } from './naive';

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

type Amounts = Readonly<Record<string, number>>;
/** Money and units together: names of units are in lower case, and those of currencies in upper case. */
export const amounts = (of: { readonly cost?: Amounts; readonly units?: Amounts }): Amounts => ({
  ...of.cost,
  ...of.units,
});

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
    const entry = { accounts, permit, at: Date.parse(permit.time), reserved: amounts(permit.data.charge) };
    const end = events.find((event) => isOutcome(event) && event.actionId === permit.actionId);
    if (!end || !isOutcome(end)) return entry;
    return { ...entry, spent: amounts(end.data.charge), settledAt: Date.parse(end.time) };
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

/** Returns the use of a counter, currency or unit by the actions of some verbs; an open permit counts as reserved. */
export function ofVerbs(all: readonly Entry[], actions: readonly string[], what: string): number {
  const covered = all.filter(({ permit }) => actions.some((pattern) => covers(pattern, permit.data.verb)));
  if (what === 'calls') return count(covered, 'calls');
  return spent(covered, what) + held(covered, what);
}

/** Reports whether an entry of `permissions` has a call: of the selectors and modes that the generators make. */
export function hasCall({ actions, resources, mode }: Permission, data: EventOf<'ActionPermitted'>['data']): boolean {
  const { verb, effect, resource } = data;
  if (mode === 'draft' && effect !== 'read') return false;
  const onPath = (match: string): boolean =>
    covers(`${match.replaceAll('/', '.')}.END`, `${resource.id.replaceAll('/', '.')}.END`);
  return (
    actions.some((pattern) => covers(pattern, verb)) &&
    resources.some(({ type, match }) => (type === '*' || type === resource.type) && onPath(match))
  );
}

/** Returns the caps of an entry by name. */
export const capsOf = ({ calls, ...caps }: Permission): Amounts => ({
  ...amounts(caps),
  ...(calls === undefined ? {} : { calls }),
});

/** Returns the use of an entry: by all permits that it has, whichever entry admitted them. */
export function ofEntry(all: readonly Entry[], entry: Permission, what: string): number {
  const mine = all.filter(({ permit }) => hasCall(entry, permit.data));
  return what === 'calls' ? count(mine, 'calls') : spent(mine, what) + held(mine, what);
}

/** Returns the permissions of an account: those of its newest grant. */
export const permissionsOf = (events: readonly Event[], id: string): readonly Permission[] | undefined =>
  issued(events, standing(events, id))?.data.limits.permissions;

/** Returns the use by the permits of the same day, week or month of a zone, read from a calendar that Intl formats. */
export function inPeriod(all: readonly Entry[], what: string, { per, timezone }: WindowCap, now: number): number {
  const name = (at: number): string => {
    const date = new Intl.DateTimeFormat('en-CA', { timeZone: timezone, dateStyle: 'short' }).format(at);
    if (per === 'month') return date.slice(0, 7);
    return per === 'day' ? date : String(Math.floor((Date.parse(date) / 86_400_000 + 3) / 7));
  };
  const today = name(now);
  const mine = all.filter(({ at }) => name(at) === today);
  return COUNTERS.includes(what as Counter) ? count(mine, what as Counter) : spent(mine, what) + held(mine, what);
}

/** Returns the use of a window of either kind. */
export const inWindow = (all: readonly Entry[], what: string, window: WindowCap, now: number, slack = false): number =>
  window.timezone === undefined
    ? within(all, what, lengthOf(window.per), now, slack ? bucket(lengthOf(window.per)) : 0)
    : inPeriod(all, what, window, now);

/** Returns the direct children of an account, as accounts. */
const childrenOf = (events: readonly Event[], id: string): string[] => [
  ...new Set(
    events.flatMap((event) =>
      event.type === 'GrantIssued' && event.data.parentId !== undefined && account(events, event.data.parentId) === id
        ? [account(events, event.grantId as string)]
        : [],
    ),
  ),
];

/** Returns the amount of a counter, currency or unit that is set aside for an account, until its end is recorded. */
export function aside(events: readonly Event[], id: string, what: string): number {
  const now = issued(events, standing(events, id)) as EventOf<'GrantIssued'>;
  const { budget } = now.data.limits;
  const hasEnded = events.some(
    (event) =>
      (event.type === 'RunCompleted' && event.runId === now.runId) ||
      ((event.type === 'GrantExpired' || event.type === 'GrantExhausted' || event.type === 'GrantRevoked') &&
        event.grantId === now.grantId),
  );
  if (!budget.reserve || hasEnded) return 0;
  return { ...budget, ...amounts(budget) }[what as 'calls'];
}

/** Returns all that counts against a cap of an account: what is charged, and what is set aside below and unused. */
export function total(events: readonly Event[], all: readonly Entry[], id: string, what: string): number {
  const mine = of(all, id);
  const charged = (entries: readonly Entry[]): number =>
    COUNTERS.includes(what as Counter) ? count(entries, what as Counter) : spent(entries, what) + held(entries, what);
  const below = childrenOf(events, id).map((child) => {
    const used = total(events, all, child, what);
    return Math.max(used, aside(events, child, what) || 0) - charged(of(all, child));
  });
  return charged(mine) + sum(below);
}
