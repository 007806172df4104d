import type { EventOf } from '@bailiwick/contracts/events/event';
import type { RunNode } from '../state/state';
import type { ActionFacts } from './dimension';

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
    // recorded only if it is milder than that of other actions with its effects
    stage: data.stage ?? (data.effect === 'read' ? 'draft' : 'execute'),
    stated: data.stated,
    resource: { type, id, attributes },
    cost: data.charge.cost,
    units: data.charge.units,
    agentClass: agent.class,
    declaredPosture: agent.posture ?? {},
    currentPosture: data.posture,
    proof: data.proof.vouched ? { vouched: true } : { vouched: false, jkt: data.proof.jkt },
  };
}
