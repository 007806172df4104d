import type { Event } from '@bailiwick/contracts/events/event';
import { EFFECTS, type Consumed, type Effect } from '@bailiwick/contracts/grants/grant';
import type { StepKind } from '@bailiwick/contracts/policy/rule';
import { feed } from '../sequences/kept';
import type { Step } from '../sequences/step';
import type { LogState } from '../state/state';

/** Adds the step of an event to what the rules in force keep of its tree. */
export function observe({ trees, policies }: LogState, { treeId = '' }: Event, step: Step, at: number): void {
  const tree = trees.get(treeId);
  if (tree) tree.kept = feed(tree.kept, policies.rules, step, at);
}

const NONE: readonly never[] = [];

/**
 * Returns the step that an event adds to its tree, from what the event records, or undefined if it adds none.
 * @param state before the event: a call of another tree, and an answered request, are read from it
 */
export function stepOf(state: LogState, event: Event): Step | undefined {
  const runId = event.runId ?? '';
  switch (event.type) {
    case 'ActionPermitted':
    case 'ActionDenied': {
      const { verb, effect, effects = [effect], labels, resource, agentClass, charge, marks, stated } = event.data;
      const kind = event.type === 'ActionPermitted' ? 'permitted' : 'denied';
      const follows = state.policies.rules.flows.length > 0;
      return {
        kind,
        labels,
        effects,
        verb,
        resource,
        runId,
        agentClass,
        charge,
        actionId: follows ? event.actionId : undefined,
        marks: follows ? marks : undefined,
        isOwnWord: follows ? stated === 'run' : undefined,
      };
    }
    case 'ActionCalled': {
      // a service acts for this tree: its action is a step of both
      const { called, labels } = event.data;
      const action = state.actions.get(called.actionId);
      const effects = action ? effectsOf(action.charge, labels) : NONE;
      return {
        ...step('permitted', runId),
        labels,
        effects,
        verb: action?.verb,
        charge: action?.charge,
        actionId: event.actionId,
      };
    }
    case 'ActionCompleted':
    case 'ActionFailed':
    case 'ActionAbandoned':
    case 'OutcomeReportedLate': {
      const { labels = NONE, marks } = event.data;
      const follows = state.policies.rules.flows.length > 0;
      if (labels.length === 0 && !follows) return undefined;
      return {
        kind: labels.length === 0 ? 'ended' : 'result',
        labels,
        effects: NONE,
        verb: undefined,
        resource: undefined,
        runId,
        agentClass: undefined,
        charge: undefined,
        actionId: follows ? event.actionId : undefined,
        marks: follows ? marks : undefined,
        isOwnWord: follows ? event.actor.kind === 'run' : undefined,
      };
    }
    case 'GrantIssued':
      if (event.data.parentId === undefined || event.data.supersedes !== undefined) return undefined;
      return agentStep('delegated', runId, state.runs.get(runId)?.agent.class);
    case 'DelegationRefused':
      return agentStep('authority-refused', runId, event.data.agentClass);
    case 'Refused':
      return event.data.command === 'escalate' || event.data.command === 'delegate'
        ? step('authority-refused', runId)
        : undefined;
    case 'ApprovalGiven': {
      if (event.data.verdict !== 'deny') return undefined;
      const approval = state.approvals.get(event.data.approvalId);
      return { ...step('person-refused', runId), verb: approval?.verb, resource: approval?.resource };
    }
    default:
      return undefined;
  }
}

const step = (kind: Step['kind'], runId: string): Step => ({
  kind,
  labels: NONE,
  effects: NONE,
  verb: undefined,
  resource: undefined,
  runId,
  agentClass: undefined,
  charge: undefined,
});

const agentStep = (kind: StepKind, runId: string, agentClass: string | undefined): Step => ({
  ...step(kind, runId),
  agentClass,
  resource: agentClass === undefined ? undefined : { type: 'agent', id: agentClass },
});

/** Returns the effects that a charge and labels show; executing is charged as writing. */
function effectsOf({ reads, writes, external }: Consumed, labels: readonly string[]): Effect[] {
  const shown: Record<Effect, boolean> = {
    read: reads > 0,
    write: writes > 0,
    exec: labels.includes('exec:shell'),
    external: external > 0,
  };
  return EFFECTS.filter((each) => shown[each]);
}
