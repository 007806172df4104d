import type { StoredSelector } from '@bailiwick/contracts/event';
import type { Agent } from '@bailiwick/contracts/grant';
import type { Refusal } from '@bailiwick/contracts/reason';
import { foldForms, foldSpaces, lookAlikeFault } from '@bailiwick/core/look-alike';
import { foreignInName } from './foreign-syntax';
import { clip } from '../presentation/text';

/**
 * Names that people and rules compare: of agents, their posture, tools, and what a revocation selects. They are checked
 * where they enter. Names that are stored already are read as they are.
 */
type Named = readonly [path: string, name: string | undefined];

function faultIn(named: readonly Named[]): Refusal | undefined {
  for (const [path, name] of named) {
    if (name === undefined) continue;
    const told = `${path} ${JSON.stringify(clip(name))}`;
    const pattern = foreignInName(name);
    if (pattern !== undefined) return { code: 'PATTERN_INVALID', detail: `${told} ${pattern}` };
    const alike = lookAlikeFault(name);
    if (alike !== undefined) return { code: 'BAD_REQUEST', detail: `${told} ${alike}` };
  }
  return undefined;
}

/** As it is stored: spaces in it are single and plain, so that what is shown is what is compared. */
export const storedAgent = (agent: Agent): Agent =>
  agent.instance === undefined ? agent : { ...agent, instance: foldSpaces(agent.instance) };

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

/**
 * What is wrong with the name of the tool that is called. Other forms of one name are decided on as that name. A call
 * names one tool, so a hyphen in front of it excludes nothing; recorded runs have such names.
 */
export const toolFault = (tool: string | undefined): Refusal | undefined =>
  faultIn([['action.tool', tool === undefined ? undefined : foldForms(tool).replace(/^-+/, '')]]);
