import { isStanding } from '../approvals/standing';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import type { Fate } from '@bailiwick/contracts/replay/replay';
import { parseTime } from '@bailiwick/core/clock';
import { recordedFaults } from '../commands/actions/from-arguments';
import type { Asked } from '../commands/actions/judge';
import { recordedFacts } from '../dimensions/recorded-facts';
import { isOpen } from '../events/endings';
import type { Catalog } from '../matching/catalog/compile';
import { blockedByOwn } from '../state/liveness';
import type { GrantNode, LogState, RunNode } from '../state/state';

export type Decision = EventOf<'ActionPermitted' | 'ActionDenied' | 'ActionStepUp'>;
export type Outcome = EventOf<'ActionCompleted' | 'ActionFailed' | 'ActionAbandoned'>;
export type Of<T extends Event['type']> = EventOf<T>;

export const DECIDED: Partial<Record<Event['type'], Fate>> = {
  ActionPermitted: 'permit',
  ActionDenied: 'deny',
  ActionStepUp: 'step-up',
};
export const isDecision = (event: Event): event is Decision => DECIDED[event.type] !== undefined;
export const isOutcome = (event: Event): event is Outcome =>
  event.type === 'ActionCompleted' || event.type === 'ActionFailed' || event.type === 'ActionAbandoned';

export const timeOf = (event: Event): number => parseTime(event.time) as number;

/** Reports whether the state still contains the target of a recorded event. `grant` is the grant of the event. */
export function targetExists(state: LogState, event: Event, grant: GrantNode | undefined): boolean {
  const run = event.runId === undefined ? undefined : state.runs.get(event.runId);
  switch (event.type) {
    case 'GrantSuspended':
      return grant !== undefined && grant.status === 'active' && !blockedByOwn(state, grant, timeOf(event));
    case 'GrantResumed':
      return grant?.status === 'suspended';
    case 'GrantRevoked':
      return grant !== undefined;
    case 'GrantExpired':
      return grant !== undefined && isOpen(grant.status) && grant.expiresAt <= timeOf(event);
    case 'RunCompleted':
      return run !== undefined && (run.status === 'active' || run.status === 'suspended');
    case 'ApprovalAnswered':
    case 'ApprovalGiven':
    case 'ApprovalExpired':
      return state.approvals.get(event.data.approvalId)?.status === 'pending';
    case 'ApprovalWithdrawn': {
      const approval = state.approvals.get(event.data.approvalId);
      return approval !== undefined && (approval.status === 'pending' || isStanding(approval));
    }
    case 'RevocationRuleAdded':
    case 'QuarantineLifted':
    case 'SuspensionLifted':
    case 'HistoryImported':
      return true;
    case 'Refused':
    case 'RefusalsSummarized':
    case 'DelegationRefused':
      return event.treeId === undefined || state.trees.has(event.treeId);
    case 'RunOpened':
      return event.data.parentRunId === undefined || state.runs.has(event.data.parentRunId);
    default:
      return event.runId === undefined || run !== undefined;
  }
}

/**
 * Rebuilds the call as it was understood when it was decided.
 * @param catalog by which it is obliged: of the policy in force, or of the candidate
 */
export function askedOf({ data }: Decision, run: RunNode, catalog: Catalog): Asked {
  const drift = data.drift ?? 0;
  return {
    facts: recordedFacts(data, run.agent),
    labels: data.labels,
    charge: data.charge,
    faults: recordedFaults(data.reasons),
    drift: drift === 'unavailable' ? drift : Math.max(drift, run.drift),
    obligations: catalog.lookup(data.verb, data.tool).facts.obligations,
    understands: data.understands,
    marks: data.marks,
  };
}
