import type { Event, EventOf, EventType } from '@bailiwick/contracts/event';
import type { Consumed } from '@bailiwick/contracts/grant';
import type { GrantNode, LogState, RunNode, TreeNode } from '../state/state';

/** A log that does not follow from itself: nothing may be decided on it (I11). */
export class CorruptLog extends Error {}

/**
 * Folds one kind of event into the state, in place.
 * @param at the event's time in ms
 * @throws CorruptLog where the event cannot follow this state
 */
export type Fold<T extends EventType> = (state: LogState, event: EventOf<T>, at: number) => void;

/** The value that an event names. @throws CorruptLog where there is none */
export function must<T>(value: T | undefined, what: string, event: Event): T {
  if (value === undefined)
    throw new CorruptLog(`event ${event.log}@${event.position} (${event.type}) names no known ${what}`);
  return value;
}

/** Not whether it was allowed, but whether what it names belongs together: a forged event must not mend what has ended. */
export function follows(holds: boolean, what: string, event: Event): void {
  if (!holds) throw new CorruptLog(`event ${event.log}@${event.position} (${event.type}) does not agree with ${what}`);
}

/** I3: a sum with a negative, a broken or an unsafe number in it would give back what was never used. */
export function isCountable({ cost, ...counts }: Consumed): boolean {
  return [...Object.values(counts), ...Object.values(cost)].every((each) => Number.isSafeInteger(each) && each >= 0);
}

/** The run that an event is of: one of the tree it names. */
export function runOf(state: LogState, event: Event): RunNode {
  const run = must(state.runs.get(must(event.runId, 'runId', event)), 'run', event);
  follows(event.treeId === run.treeId, 'the tree of its run', event);
  return run;
}

/** The grant that an event is of: one of the run it names. */
export function grantOf(state: LogState, event: Event): GrantNode {
  const grant = must(state.grants.get(must(event.grantId, 'grantId', event)), 'grant', event);
  follows(event.runId === grant.runId && event.treeId === grant.treeId, 'the run of its grant', event);
  return grant;
}

/** The tree that an event is of. */
export function treeOf(state: LogState, event: Event): TreeNode {
  return must(state.trees.get(must(event.treeId, 'treeId', event)), 'tree', event);
}
