import type { Event, EventOf, EventType } from '@bailiwick/contracts/events/event';
import type { Period } from '@bailiwick/contracts/receipts/receipt';

/** An event of a receipt with the value of its payload; null if the event has no payload or it was erased. */
interface EntryWith<E extends Event> {
  readonly event: E;
  readonly payload: Record<string, unknown> | null;
}
export type StoryEntry<T extends EventType = EventType> = EntryWith<EventOf<T>>;

/** Indexes events by their subject. Built once, and used by summary, custody and verification. */
export interface Story {
  /** the period that the receipt is about, if it is not about the entire run */
  readonly period: Period | undefined;
  /** in the order of the log */
  readonly entries: readonly StoryEntry[];
  readonly openings: ReadonlyMap<string, StoryEntry<'RunOpened'>>;
  readonly issues: ReadonlyMap<string, StoryEntry<'GrantIssued'>>;
  /** by run, oldest first; more than one if the lease was raised */
  readonly leases: ReadonlyMap<string, readonly StoryEntry<'GrantIssued'>[]>;
  readonly decisions: ReadonlyMap<string, StoryEntry<Decision>>;
  /** more than one is a contradiction */
  readonly timesDecided: ReadonlyMap<string, number>;
  readonly outcomes: ReadonlyMap<string, readonly StoryEntry<Outcome>[]>;
  /** late reports on abandoned actions; more than one is a contradiction */
  readonly late: ReadonlyMap<string, readonly StoryEntry<'OutcomeReportedLate'>[]>;
  readonly asked: ReadonlyMap<string, StoryEntry<'ApprovalRequested'>>;
  readonly answered: ReadonlyMap<string, StoryEntry<'ApprovalGiven' | 'ApprovalExpired'>>;
  /** answers that did not decide alone, by their approval, in the order of the log */
  readonly answeredInPart: ReadonlyMap<string, readonly StoryEntry<'ApprovalAnswered'>[]>;
  readonly withdrawn: ReadonlyMap<string, StoryEntry<'ApprovalWithdrawn'>>;
  /** uses of an approval, by its id, in the order of the log */
  readonly approvalUses: ReadonlyMap<string, readonly StoryEntry<'ActionPermitted' | 'GrantIssued'>[]>;
  /** by the grant that was superseded */
  readonly superseded: ReadonlyMap<string, StoryEntry<'GrantSuperseded'>>;
  /** events that suspended, resumed or ended a grant, by its id */
  readonly stops: ReadonlyMap<string, readonly StoryEntry<Stop>[]>;
  /** renewals and narrowings, by grant */
  readonly changes: ReadonlyMap<string, readonly StoryEntry<'GrantRenewed' | 'GrantNarrowed'>[]>;
  readonly rules: readonly StoryEntry<'RevocationRuleAdded'>[];
  /** the ends of suspensions by selector, by revocation */
  readonly lifts: ReadonlyMap<string, StoryEntry<'SuspensionLifted'>>;
}

export type Decision = 'ActionPermitted' | 'ActionDenied' | 'ActionStepUp';
export type Outcome = 'ActionCompleted' | 'ActionFailed' | 'ActionAbandoned';
export type Stop =
  'GrantRevoked' | 'GrantExpired' | 'GrantExhausted' | 'RunCompleted' | 'GrantSuspended' | 'GrantResumed';

const OUTCOMES: readonly EventType[] = ['ActionCompleted', 'ActionFailed', 'ActionAbandoned'] satisfies Outcome[];

export const isOutcome = (event: Event): event is EventOf<Outcome> => OUTCOMES.includes(event.type);

/** A story that is being read. */
type Draft = {
  readonly [K in Exclude<keyof Story, 'period'>]: Story[K] extends ReadonlyMap<string, infer V>
    ? Map<string, Open<V>>
    : Open<Story[K]>;
};
type Open<T> = T extends readonly (infer E)[] ? E[] : T;

/**
 * @param entries in the order of the log; the first counts if an event that may occur once occurs twice
 * @param period the period that the receipt is about; absent if it is about all of its subject
 */
export function readStory(entries: readonly StoryEntry[], period?: Period): Story {
  const draft: Draft = {
    entries: entries as StoryEntry[],
    openings: new Map(),
    issues: new Map(),
    leases: new Map(),
    decisions: new Map(),
    timesDecided: new Map(),
    outcomes: new Map(),
    late: new Map(),
    asked: new Map(),
    answered: new Map(),
    answeredInPart: new Map(),
    withdrawn: new Map(),
    approvalUses: new Map(),
    superseded: new Map(),
    stops: new Map(),
    changes: new Map(),
    rules: [],
    lifts: new Map(),
  };
  for (const each of entries) (PLACES[each.event.type] as Place | undefined)?.(each, draft);
  return { ...draft, period };
}

type Place = (each: StoryEntry, draft: Draft) => void;

function decided(each: StoryEntry<Decision>, { decisions, timesDecided }: Draft): void {
  const id = each.event.actionId;
  first(decisions, id, each);
  if (id !== undefined) timesDecided.set(id, (timesDecided.get(id) ?? 0) + 1);
}
const settled = (each: StoryEntry<Outcome>, { outcomes }: Draft): void => another(outcomes, each.event.actionId, each);
const answered = (each: StoryEntry<'ApprovalGiven' | 'ApprovalExpired'>, draft: Draft): void =>
  first(draft.answered, each.event.data.approvalId, each);
const changed = (each: StoryEntry<'GrantRenewed' | 'GrantNarrowed'>, { changes }: Draft): void =>
  another(changes, each.event.grantId, each);
const stopped = (each: StoryEntry<Stop>, { stops }: Draft): void => another(stops, each.event.grantId, each);

/** Adds an event of each type to its indexes. */
const PLACES: { readonly [T in EventType]?: (each: StoryEntry<T>, draft: Draft) => void } = {
  RunOpened: (each, { openings }) => first(openings, each.event.runId, each),
  GrantIssued: (each, { issues, leases, approvalUses }) => {
    first(issues, each.event.grantId, each);
    another(leases, each.event.runId, each);
    another(approvalUses, each.event.data.approvalId, each);
  },
  ActionPermitted: (each, draft) => {
    decided(each, draft);
    another(draft.approvalUses, each.event.data.approvalId, each);
  },
  ActionDenied: decided,
  ActionStepUp: decided,
  ActionCompleted: settled,
  ActionFailed: settled,
  ActionAbandoned: settled,
  OutcomeReportedLate: (each, { late }) => another(late, each.event.actionId, each),
  ApprovalRequested: (each, { asked }) => first(asked, each.event.data.approvalId, each),
  ApprovalAnswered: (each, { answeredInPart }) => another(answeredInPart, each.event.data.approvalId, each),
  ApprovalWithdrawn: (each, { withdrawn }) => first(withdrawn, each.event.data.approvalId, each),
  ApprovalGiven: answered,
  ApprovalExpired: answered,
  GrantSuperseded: (each, { superseded }) => first(superseded, each.event.grantId, each),
  GrantRevoked: stopped,
  GrantExpired: stopped,
  GrantExhausted: stopped,
  RunCompleted: stopped,
  GrantSuspended: stopped,
  GrantResumed: stopped,
  GrantRenewed: changed,
  GrantNarrowed: changed,
  RevocationRuleAdded: (each, { rules }) => void rules.push(each),
  SuspensionLifted: (each, { lifts }) => first(lifts, each.event.data.revocationId, each),
};

function first<T>(map: Map<string, T>, id: string | undefined, item: T): void {
  if (id !== undefined && !map.has(id)) map.set(id, item);
}

function another<T>(map: Map<string, T[]>, id: string | undefined, item: T): void {
  if (id === undefined) return;
  const known = map.get(id);
  if (known) known.push(item);
  else map.set(id, [item]);
}

/** Returns the openings of a run and its ancestors, the run first, up to the first one that is missing. */
export function lineOf(runId: string, { openings }: Story): StoryEntry<'RunOpened'>[] {
  const line: StoryEntry<'RunOpened'>[] = [];
  const seen = new Set<string>();
  for (let id: string | undefined = runId; id !== undefined && !seen.has(id);) {
    seen.add(id);
    const opened = openings.get(id);
    if (!opened) break;
    line.push(opened);
    id = opened.event.data.parentRunId;
  }
  return line;
}

/** Returns a text of a payload; null if it is absent or was erased. */
export const textOf = (payload: StoryEntry['payload'], key: string): string | null =>
  typeof payload?.[key] === 'string' ? payload[key] : null;
