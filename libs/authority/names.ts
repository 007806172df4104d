import type { StoredSelector } from '#contracts/event';
import type { Agent } from '#contracts/grant';
import type { Refusal } from '#contracts/reason';
import { foreignInName } from './foreign-syntax';
import { clip } from './words';

/**
 * Names that people and rules compare: of agents, their posture, tools, and what a revocation selects. They are checked
 * where they enter. Names that are stored already are read as they are.
 */
type Named = readonly [path: string, name: string | undefined];

function faultIn(named: readonly Named[]): Refusal | undefined {
  for (const [path, name] of named) {
    const why = name === undefined ? undefined : foreignInName(name);
    if (why !== undefined)
      return { code: 'PATTERN_INVALID', detail: `${path} ${JSON.stringify(clip(name ?? ''))} ${why}` };
  }
  return undefined;
}

/** What is wrong with the names of an agent whose run is about to be opened. */
export function agentFault({ class: agentClass, instance, posture = {} }: Agent): Refusal | undefined {
  return faultIn([
    ['agent.class', agentClass],
    ['agent.instance', instance],
    ...Object.entries(posture).map(([name, value]): Named => [`agent.posture.${name}`, value]),
  ]);
}

/**
 * What is wrong with a revocation's selector. A pattern would select nothing, and its author would believe that
 * everything it stands for is stopped.
 */
export function selectorFault({ agentClass, agentInstance, modelVersion, tool }: StoredSelector): Refusal | undefined {
  return faultIn([
    ['selector.agentClass', agentClass],
    ['selector.agentInstance', agentInstance],
    ['selector.modelVersion', modelVersion],
    ['selector.tool', tool],
  ]);
}

/** What is wrong with the name of the tool that is called. */
export const toolFault = (tool: string | undefined): Refusal | undefined => faultIn([['action.tool', tool]]);
