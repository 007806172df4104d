import type { Limits } from '@bailiwick/contracts/grants/grant';
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
  return limits.actions.allow.some(matches) && !limits.actions.deny.some(matches);
}
