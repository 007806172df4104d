import type { DecidedAction, EventOf } from '@bailiwick/contracts/events/event';
import type { Effect } from '@bailiwick/contracts/grants/grant';
import type { Stage } from '@bailiwick/contracts/policy/catalog-entry';
import type { RunNode } from '../state/state';
import type { ActionFacts } from './dimension';

/** Returns the stage of a recorded action; see `recordedStage`. */
export const stageOf = ({ stage, effect }: Pick<DecidedAction, 'stage' | 'effect'>): Stage =>
  stage ?? (effect === 'read' ? 'draft' : 'execute');

/** A stage is recorded only if it is milder than that of most actions with its effect. */
export const recordedStage = (effect: Effect, stage: Stage): Pick<DecidedAction, 'stage'> =>
  effect === 'read' || stage === 'execute' ? {} : { stage };

/** Returns the facts of a recorded call as they were judged. Costs of zero are not in its charge. */
export function recordedFacts(
  data: EventOf<'ActionPermitted' | 'ActionDenied' | 'ActionStepUp'>['data'],
  agent: RunNode['agent'],
): ActionFacts {
  const { type, id, attributes = {} } = data.resource;
  return {
    verb: data.verb,
    tool: data.tool,
    effect: data.effect,
    effects: data.effects,
    risk: data.risk,
    stage: stageOf(data),
    stated: data.stated,
    resource: { type, id, attributes },
    cost: data.charge.cost,
    units: data.charge.units,
    agentClass: agent.class,
    attestedBy: agent.attestedBy,
    declaredPosture: agent.posture ?? {},
    currentPosture: data.posture,
    proof: data.proof.vouched ? { vouched: true } : { vouched: false, jkt: data.proof.jkt },
  };
}
