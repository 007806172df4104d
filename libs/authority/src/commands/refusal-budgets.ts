import type { Actor, Event } from '@bailiwick/contracts/event';
import { hasRoom, take, type Rate } from '@bailiwick/core/allowance';
import { LIMITS } from '@bailiwick/core/limits';
import type { NewEvent, Unwritten } from './types';
import { deniesEscalation } from '../events/labels';
import type { LogState } from '../state/state';

/*
 * What is refused is written within budgets: per run, per tree, per key, per tenant. Beyond them nothing is written but
 * a count at intervals (`RefusalsSummarized`). The buckets are part of the fold and live by the log's own time, so every
 * fold agrees about what was to be written (I10). Only what is written is charged: a flood of one run takes of the
 * buckets above it no more than the run's own has, and leaves the rest to its neighbours.
 */

/** Who asked, and where it was aimed. */
interface Asked {
  readonly actor: Actor;
  readonly runId?: string | undefined;
  readonly treeId?: string | undefined;
}

/**
 * The buckets that a refusal is taken from. A run that asks pays itself, whatever it aimed at: it cannot use up what may
 * be written about another.
 */
function bucketsOf(state: LogState, { actor, runId, treeId }: Asked): [string, Rate][] {
  const { run, tree, key, tenant } = LIMITS.refusals;
  const asks = actor.kind === 'run';
  const ofRun = asks ? actor.id : runId;
  const ofTree = asks ? state.runs.get(actor.id)?.treeId : treeId;
  return [
    ...(ofRun === undefined ? [] : [[`run:${ofRun}`, run] as [string, Rate]]),
    ...(ofTree === undefined ? [] : [[`tree:${ofTree}`, tree] as [string, Rate]]),
    // of a key's requests that are about no run there is nothing that bounds them before
    ...(asks
      ? []
      : [[`${ofRun === undefined ? 'asks' : 'key'}:${actor.id}`, ofRun === undefined ? run : key] as [string, Rate]]),
    ['tenant', tenant],
  ];
}

const REFUSALS: readonly Event['type'][] = ['ActionDenied', 'DelegationRefused', 'Refused', 'RefusalsSummarized'];

/** The one event of a command that came to nothing; a question that a person is asked already is one, too. */
function refusalIn(events: readonly NewEvent[]): NewEvent | undefined {
  const [first] = events;
  const isRefusal = first && (REFUSALS.includes(first.type) || first.type === 'ActionStepUp');
  return events.length === 1 && isRefusal ? first : undefined;
}

/**
 * What is not to be written of these events, since its budget is used up; undefined where they are to be written. The
 * first escalation that a tree is denied is always written: sequence rules look for it.
 */
export function beyondBudget(
  state: LogState,
  actor: Actor,
  events: readonly NewEvent[],
  now: number,
): NewEvent | undefined {
  const refusal = actor.kind === 'system' ? undefined : refusalIn(events);
  if (!refusal) return undefined;
  if (deniesEscalation(refusal) && !state.trees.get(refusal.treeId ?? '')?.labels['denied:escalation'])
    return undefined;
  const { runId, treeId } = refusal;
  const fits = bucketsOf(state, { actor, runId, treeId }).every(([key, rate]) =>
    hasRoom(state.refusalBuckets.get(key), now, rate),
  );
  return fits ? undefined : refusal;
}

/** Takes a refusal that was written from its buckets. */
export function chargeRefusal(state: LogState, event: Event, at: number): void {
  if (event.actor.kind === 'system') return;
  if (!REFUSALS.includes(event.type) && !asksAgain(state, event)) return;
  for (const [key, rate] of bucketsOf(state, event))
    state.refusalBuckets.set(key, take(state.refusalBuckets.get(key), at, rate));
}

/** A step-up that made no question of its own. */
const asksAgain = (state: LogState, event: Event): boolean =>
  event.type === 'ActionStepUp' && state.approvals.get(event.data.approvalId)?.actionId !== event.actionId;

/** Lets go of buckets that are full again. */
export function forgetRefusals({ refusalBuckets }: LogState, now: number): void {
  for (const [key, fullAt] of refusalBuckets) if (fullAt <= now) refusalBuckets.delete(key);
}

/** A verb in the form in which rules compare it may be longer than the one that was sent. */
const short = (verb: string): string => verb.slice(0, LIMITS.nameLength).toWellFormed();

/** What is counted of a refusal that is not written. */
export function countOf(command: string, refusal: NewEvent, runId: string | undefined): Unwritten[] {
  switch (refusal.type) {
    case 'ActionDenied':
      return [{ runId, command, verb: short(refusal.data.verb), code: 'DENIED', count: 1 }];
    case 'ActionStepUp':
      return [{ runId, command, verb: short(refusal.data.verb), code: 'STEP_UP', count: 1 }];
    case 'DelegationRefused':
      return [{ runId, command, code: refusal.data.code, count: 1 }];
    case 'Refused':
      return [{ runId, command: refusal.data.command, code: refusal.data.code, count: 1 }];
    case 'RefusalsSummarized':
      return refusal.data.refused.map((each) => ({ ...each, runId }));
    default:
      return [];
  }
}
