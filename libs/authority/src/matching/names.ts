import type { Agent } from '@bailiwick/contracts/grants/grant';
import type { Refusal } from '@bailiwick/contracts/reason';
import { foldForms, foldSpaces, lookAlikeFault } from '@bailiwick/core/look-alike';
import { foreignInName } from './foreign-syntax';
import { clip } from '../presentation/text';

/**
 * A name that people and rules compare: of agents, their posture, tools, and selectors of revocations. Names are
 * checked when they enter the system; stored names are read as they are.
 */
export type Named = readonly [path: string, name: string | undefined];

/** Returns the fault in the first name that is a pattern, or could be mistaken for another name. */
export function faultIn(named: readonly Named[]): Refusal | undefined {
  for (const [path, name] of named) {
    if (name === undefined) continue;
    const prefix = `${path} ${JSON.stringify(clip(name))}`;
    const pattern = foreignInName(name);
    if (pattern !== undefined) return { code: 'PATTERN_INVALID', detail: `${prefix} ${pattern}` };
    const alike = lookAlikeFault(name);
    if (alike !== undefined) return { code: 'BAD_REQUEST', detail: `${prefix} ${alike}` };
  }
  return undefined;
}

/** Returns an agent as it is stored: with single plain spaces, so that the displayed name is the compared one. */
export const storedAgent = (agent: Agent): Agent =>
  agent.instance === undefined ? agent : { ...agent, instance: foldSpaces(agent.instance) };

/** Returns the fault in the names of an agent whose run is about to be opened. */
export function agentFault({ class: agentClass, instance, posture = {} }: Agent): Refusal | undefined {
  return faultIn([
    ['agent.class', agentClass],
    ['agent.instance', instance],
    ...Object.entries(posture).map(([name, value]): Named => [`agent.posture.${name}`, value]),
  ]);
}

/**
 * Returns the fault in the name of the tool that is called. Other forms of a name are decided on as that name. A call
 * names one tool, so a leading hyphen excludes nothing; recorded runs have such names.
 */
export const toolFault = (tool: string | undefined): Refusal | undefined =>
  faultIn([['action.tool', tool === undefined ? undefined : foldForms(tool).replace(/^-+/, '')]]);
