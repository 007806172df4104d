import type { DeniedPair, Limits } from '@bailiwick/contracts/grants/grant';
import { normalizeTool } from './tool-name';
import { matchesVerb } from './verbs/verb';
import { normalizeVerb } from './verbs/verb';

/**
 * Reports whether a grant with these limits could use the verb of this name. Other names are matched as tool names
 * elsewhere.
 */
export function couldUse(limits: Limits, tool: string): boolean {
  const verb = normalizeVerb(normalizeTool(tool));
  if (!verb.ok) return false;
  const matches = (pattern: string) => matchesVerb(pattern, verb.value);
  const { actions, permissions, deny = [] } = limits;
  return (
    actions.allow.some(matches) &&
    !actions.deny.some(matches) &&
    (permissions === undefined || permissions.some((entry) => entry.actions.some(matches))) &&
    !deny.some((pair) => pair.actions.some(matches) && pair.resources.some(isEverything))
  );
}

const isEverything = ({ type, match, where }: DeniedPair['resources'][number]): boolean =>
  type === '*' && match === '**' && Object.keys(where ?? {}).length === 0;
