import type { Actor, Event } from '@bailiwick/contracts/events/event';
import { hasRoom, take, type Rate } from '@bailiwick/core/allowance';
import { LIMITS } from '@bailiwick/core/limits';
import type { NewEvent, Unwritten } from './types';
import { deniesEscalation } from '../events/labels';
import { firesAtOnce } from '../responders/observe';
import type { LogState } from '../state/state';

/*
 * Refusals are written within budgets: per run, per tree, per key, per tenant. Beyond them only counts are written, at
 * intervals (`RefusalsSummarized`). The buckets are part of the fold and use the log's own time, so every fold agrees
 * on which refusals were to be written (I10). Only written refusals are charged: a flood of one run takes no more from
 * the buckets above it than its own bucket holds, and leaves the rest to its neighbors.
 */

/** The actor and the target of a refused command. */
interface Asked {
  readonly actor: Actor;
  readonly runId?: string | undefined;
  readonly treeId?: string | undefined;
}

/**
 * Returns the buckets that a refusal is charged to. A run that sends a command pays itself, whatever its target: it
 * cannot use up the budget of another run.
 */
function bucketsOf(state: LogState, { actor, runId, treeId }: Asked): [string, Rate][] {
  const { run, tree, key, tenant } = LIMITS.refusals;
  const asks = actor.kind === 'run';
  const ofRun = asks ? actor.id : runId;
  const ofTree = asks ? state.runs.get(actor.id)?.treeId : treeId;
  return [
    ...(ofRun === undefined ? [] : [[`run:${ofRun}`, run] as [string, Rate]]),
    ...(ofTree === undefined ? [] : [[`tree:${ofTree}`, tree] as [string, Rate]]),
    // requests of a key that concern no run have no other bucket that limits them first
    ...(asks
      ? []
      : [[`${ofRun === undefined ? 'asks' : 'key'}:${actor.id}`, ofRun === undefined ? run : key] as [string, Rate]]),
    ['tenant', tenant],
  ];
}

const REFUSALS: readonly Event['type'][] = ['ActionDenied', 'DelegationRefused', 'Refused', 'RefusalsSummarized'];

/** Returns the single event of a command without an effect, including a step-up whose approval is already pending. */
function refusalIn(events: readonly NewEvent[]): NewEvent | undefined {
  const [first] = events;
  const isRefusal = first && (REFUSALS.includes(first.type) || first.type === 'ActionStepUp');
  return events.length === 1 && isRefusal ? first : undefined;
}

/**
 * Returns the counts of these events if their budget is used up, or undefined if they are to be written. The first
 * denied escalation of a tree is always written, since sequence rules use it, and so is what fires a responder.
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
  return fits || firesAtOnce(state, refusal, now) ? undefined : refusal;
}

/** Charges a written refusal to its buckets. */
export function chargeRefusal(state: LogState, event: Event, at: number): void {
  if (event.actor.kind === 'system') return;
  if (!REFUSALS.includes(event.type) && !asksAgain(state, event)) return;
  for (const [key, rate] of bucketsOf(state, event))
    state.refusalBuckets.set(key, take(state.refusalBuckets.get(key), at, rate));
}

/** Reports whether an event is a step-up that created no approval request. */
const asksAgain = (state: LogState, event: Event): boolean =>
  event.type === 'ActionStepUp' && state.approvals.get(event.data.approvalId)?.actionId !== event.actionId;

/** Drops the buckets that are full again. */
export function forgetRefusals({ refusalBuckets }: LogState, now: number): void {
  for (const [key, fullAt] of refusalBuckets) if (fullAt <= now) refusalBuckets.delete(key);
}

/** Cuts a verb: its normalized form may be longer than the one that was sent. */
const short = (verb: string): string => verb.slice(0, LIMITS.nameLength).toWellFormed();

/** Returns the count for a refusal that is not written. */
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
