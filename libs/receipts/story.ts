import type { Event, EventOf, EventType } from '#contracts/event';

/** An event of a receipt with the value of its payload; null where it has none or it was erased. */
interface ToldEvent<E extends Event> {
  readonly event: E;
  readonly payload: Record<string, unknown> | null;
}
export type Told<T extends EventType = EventType> = ToldEvent<EventOf<T>>;

/** Events found by what they are about. Made once; summary, custody and verification all look things up in it. */
export interface Story {
  /** in the order of the log */
  readonly told: readonly Told[];
  readonly openings: ReadonlyMap<string, Told<'RunOpened'>>;
  readonly issues: ReadonlyMap<string, Told<'GrantIssued'>>;
  /** by run, oldest first: more than one where it was raised */
  readonly leases: ReadonlyMap<string, readonly Told<'GrantIssued'>[]>;
  readonly decisions: ReadonlyMap<string, Told<Decision>>;
  /** more than one is a contradiction */
  readonly timesDecided: ReadonlyMap<string, number>;
  readonly outcomes: ReadonlyMap<string, readonly Told<Outcome>[]>;
  readonly asked: ReadonlyMap<string, Told<'ApprovalRequested'>>;
  readonly answered: ReadonlyMap<string, Told<'ApprovalGiven' | 'ApprovalExpired'>>;
  /** what rests on an approval, by its id, in the order of the log */
  readonly approvalUses: ReadonlyMap<string, readonly Told<'ActionPermitted' | 'GrantIssued'>[]>;
  /** by the grant that was superseded */
  readonly superseded: ReadonlyMap<string, Told<'GrantSuperseded'>>;
  /** what stopped a grant, or let it go on, by its id */
  readonly stops: ReadonlyMap<string, readonly Told<Stop>[]>;
  readonly rules: readonly Told<'RevocationRuleAdded'>[];
}

export type Decision = 'ActionPermitted' | 'ActionDenied' | 'ActionStepUp';
export type Outcome = 'ActionCompleted' | 'ActionFailed' | 'ActionAbandoned';
export type Stop =
  'GrantRevoked' | 'GrantExpired' | 'GrantExhausted' | 'RunCompleted' | 'GrantSuspended' | 'GrantResumed';

const DECISIONS: readonly EventType[] = ['ActionPermitted', 'ActionDenied', 'ActionStepUp'] satisfies Decision[];
const OUTCOMES: readonly EventType[] = ['ActionCompleted', 'ActionFailed', 'ActionAbandoned'] satisfies Outcome[];
const STOPS: readonly EventType[] = [
  'GrantRevoked',
  'GrantExpired',
  'GrantExhausted',
  'RunCompleted',
  'GrantSuspended',
  'GrantResumed',
] satisfies Stop[];

export const isOutcome = (event: Event): event is EventOf<Outcome> => OUTCOMES.includes(event.type);

/** @param told in the order of the log; of two events about one thing that can happen once, the first counts */
export function readStory(told: readonly Told[]): Story {
  const of = <T extends EventType>(...types: readonly EventType[]): Told<T>[] =>
    told.filter(({ event }) => types.includes(event.type)) as unknown as Told<T>[];
  return {
    told,
    openings: firstBy(of<'RunOpened'>('RunOpened'), ({ event }) => event.runId),
    issues: firstBy(of<'GrantIssued'>('GrantIssued'), ({ event }) => event.grantId),
    leases: allBy(of<'GrantIssued'>('GrantIssued'), ({ event }) => event.runId),
    decisions: firstBy(of<Decision>(...DECISIONS), ({ event }) => event.actionId),
    timesDecided: new Map(
      [...allBy(of<Decision>(...DECISIONS), ({ event }) => event.actionId)].map(([id, all]) => [id, all.length]),
    ),
    outcomes: allBy(of<Outcome>(...OUTCOMES), ({ event }) => event.actionId),
    asked: firstBy(of<'ApprovalRequested'>('ApprovalRequested'), ({ event }) => event.data.approvalId),
    answered: firstBy(
      of<'ApprovalGiven' | 'ApprovalExpired'>('ApprovalGiven', 'ApprovalExpired'),
      ({ event }) => event.data.approvalId,
    ),
    approvalUses: allBy(
      of<'ActionPermitted' | 'GrantIssued'>('ActionPermitted', 'GrantIssued'),
      ({ event }) => event.data.approvalId,
    ),
    superseded: firstBy(of<'GrantSuperseded'>('GrantSuperseded'), ({ event }) => event.grantId),
    stops: allBy(of<Stop>(...STOPS), ({ event }) => event.grantId),
    rules: of<'RevocationRuleAdded'>('RevocationRuleAdded'),
  };
}

function firstBy<T>(items: readonly T[], key: (item: T) => string | undefined): Map<string, T> {
  const map = new Map<string, T>();
  for (const item of items) {
    const id = key(item);
    if (id !== undefined && !map.has(id)) map.set(id, item);
  }
  return map;
}

function allBy<T>(items: readonly T[], key: (item: T) => string | undefined): Map<string, T[]> {
  const map = new Map<string, T[]>();
  for (const item of items) {
    const id = key(item);
    if (id === undefined) continue;
    const known = map.get(id);
    if (known) known.push(item);
    else map.set(id, [item]);
  }
  return map;
}

/** The openings of a run and of the runs it came from, itself first; as far as they are told. */
export function lineOf(runId: string, { openings }: Story): Told<'RunOpened'>[] {
  const line: Told<'RunOpened'>[] = [];
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

/** A text of a payload; null where there is none or it was erased. */
export const textOf = (payload: Told['payload'], key: string): string | null =>
  typeof payload?.[key] === 'string' ? payload[key] : null;
