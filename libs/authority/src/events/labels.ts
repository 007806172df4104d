import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { RULE_LABELS } from '@bailiwick/contracts/actions/trajectory';
import { LIMITS } from '@bailiwick/core/limits';
import type { NewEvent } from '../commands/types';
import type { LogState } from '../state/state';
import { isOpen } from './endings';
import { treeOf } from './follows';

/** Remembers the first event of a tree that carried a label, for the sequence rules. */
export function label(state: LogState, event: Event, name: string): void {
  const { labels } = treeOf(state, event);
  if (Object.hasOwn(labels, name)) return;
  // callers may set any labels; their number is limited, but a label of a rule always finds room
  const isRuled = RULE_LABELS.has(name) || state.policies.rules.labels.has(name);
  if (!isRuled && Object.keys(labels).length >= LIMITS.labelsPerTree) return;
  labels[name] = { actionId: event.actionId ?? event.id, runId: event.runId ?? '', position: event.position };
}

/** Returns the labels that an event brings into its tree: every fold and every decision takes them from here. */
export function carried(event: Event | NewEvent): readonly string[] {
  switch (event.type) {
    case 'ActionPermitted':
    case 'ActionCalled':
    case 'ActionCompleted':
    case 'ActionFailed':
    case 'ActionAbandoned':
    case 'OutcomeReportedLate':
      return event.data.labels ?? [];
    default:
      return [];
  }
}

/** Reports whether an event denies a request for more authority: the sequence rules use the first one of a tree. */
export function deniesEscalation(event: Event | NewEvent): boolean {
  if (event.type === 'ActionDenied') return event.data.labels.includes('escalation');
  if (event.type === 'DelegationRefused') return event.data.code === 'GRANT_WIDENS_PARENT';
  return event.type === 'Refused' && event.data.command === 'escalate' && event.data.code === 'GRANT_WIDENS_PARENT';
}

/** Records a refusal, which changes nothing except for the sequence rules. */
export function refused(state: LogState, event: EventOf<'ActionDenied' | 'DelegationRefused' | 'Refused'>): void {
  if (event.type === 'Refused' && event.treeId === undefined) return; // its target does not exist
  if (deniesEscalation(event)) label(state, event, 'denied:escalation');
  if (event.type === 'ActionDenied') countDenial(state, event.runId ?? '');
}

/** Counts a denied decision of a run whose lease can be renewed, up to the number at which it no longer is. */
function countDenial({ runs, grants, denialStreaks }: LogState, runId: string): void {
  const grant = grants.get(runs.get(runId)?.grantId ?? '');
  if (grant?.limits.time.renewUntil === undefined || !isOpen(grant.status)) return;
  const streak = denialStreaks.get(runId) ?? 0;
  if (streak < LIMITS.renewalDenials) denialStreaks.set(runId, streak + 1);
}
