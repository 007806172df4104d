import type { Event, EventOf, EventType } from '@bailiwick/contracts/events/event';
import type { Consumed } from '@bailiwick/contracts/grants/grant';
import type { GrantNode, LogState, RunNode, TreeNode } from '../state/state';

/** Thrown for a log that contradicts itself: nothing may be decided on it (I11). */
export class CorruptLog extends Error {}

/**
 * Folds one kind of event into the state, in place.
 * @param at the event's time in ms
 * @throws CorruptLog if the event cannot follow this state
 */
export type Fold<T extends EventType> = (state: LogState, event: EventOf<T>, at: number) => void;

/** Returns the value that an event names. @throws CorruptLog if there is none */
export function must<T>(value: T | undefined, what: string, event: Event): T {
  if (value === undefined)
    throw new CorruptLog(`event ${event.log}@${event.position} (${event.type}) names no known ${what}`);
  return value;
}

/**
 * Checks that an event agrees with the state, not that it was allowed: a forged event must not revive an ended node.
 */
export function follows(holds: boolean, what: string, event: Event): void {
  if (!holds) throw new CorruptLog(`event ${event.log}@${event.position} (${event.type}) does not agree with ${what}`);
}

/** I3: checks for negative, non-finite and unsafe numbers, which would release usage that never existed. */
export function isCountable({ cost, units, ...counts }: Consumed): boolean {
  const all = [...Object.values(counts), ...Object.values(cost), ...(units === undefined ? [] : Object.values(units))];
  return all.every((each) => Number.isSafeInteger(each) && each >= 0);
}

/** Returns the run of an event, and checks that it is in the event's tree. */
export function runOf(state: LogState, event: Event): RunNode {
  const run = must(state.runs.get(must(event.runId, 'runId', event)), 'run', event);
  follows(event.treeId === run.treeId, 'the tree of its run', event);
  return run;
}

/** Returns the grant of an event, and checks that it is of the event's run. */
export function grantOf(state: LogState, event: Event): GrantNode {
  const grant = must(state.grants.get(must(event.grantId, 'grantId', event)), 'grant', event);
  follows(event.runId === grant.runId && event.treeId === grant.treeId, 'the run of its grant', event);
  return grant;
}

/** Returns the tree of an event. */
export function treeOf(state: LogState, event: Event): TreeNode {
  return must(state.trees.get(must(event.treeId, 'treeId', event)), 'tree', event);
}
