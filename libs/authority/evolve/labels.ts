import type { Event } from '#contracts/event';
import { RULE_LABELS } from '#contracts/trajectory';
import { LIMITS } from '#kernel/limits';
import type { LogState } from '../state';
import { treeOf, type Fold } from './follows';

/** Remembers the first event of a tree that carried a label: what the sequence rules look for. */
export function label(state: LogState, event: Event, name: string): void {
  const { labels } = treeOf(state, event);
  if (Object.hasOwn(labels, name)) return;
  // callers may tell any label they like, and so many are kept; none of them can crowd out one that a rule looks for
  if (!RULE_LABELS.has(name) && Object.keys(labels).length >= LIMITS.labelsPerTree) return;
  labels[name] = { actionId: event.actionId ?? event.id, runId: event.runId ?? '', position: event.position };
}

export const delegationRefused: Fold<'DelegationRefused'> = (state, event) => {
  if (event.data.code === 'GRANT_WIDENS_PARENT') label(state, event, 'denied:escalation');
};

/** A fact for the record; one of more authority that was asked for and refused counts for the sequence rules. */
export const refused: Fold<'Refused'> = (state, event) => {
  const { command, code } = event.data;
  if (command === 'escalate' && code === 'GRANT_WIDENS_PARENT' && event.treeId !== undefined)
    label(state, event, 'denied:escalation');
};
