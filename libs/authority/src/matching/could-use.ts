import type { DeniedPair, Limits } from '@bailiwick/contracts/grants/grant';
import { names } from '../dimensions/denied-pairs';
import { isOfType, matches as matchesName } from '../dimensions/resources';
import { formOf } from './name-forms';
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
  const { actions, resources, permissions, deny = [] } = limits;
  return (
    actions.allow.some(matches) &&
    !actions.deny.some(matches) &&
    (permissions === undefined || permissions.some((entry) => entry.actions.some(matches))) &&
    !(
      deny.some((pair) => pair.actions.some(matches) && pair.resources.some(isEverything)) &&
      resources.every(({ match }) => formOf(match) === 'relative')
    )
  );
}

/** A resource in its normal form, without attributes. */
interface Named {
  readonly type: string;
  readonly id: string;
}

/**
 * Reports whether a grant with these limits could use the verb on this resource, whatever its attributes are and whatever
 * has happened before: a condition counts as one that could hold for a permission, and could fail for a denial.
 */
export function couldUseOn(limits: Limits, tool: string, resource: Named): boolean {
  const verb = normalizeVerb(normalizeTool(tool));
  if (!verb.ok || !couldUse(limits, tool)) return false;
  const matches = (pattern: string) => matchesVerb(pattern, verb.value);
  const reaches = (selector: Limits['resources'][number]) =>
    isOfType(resource.type, selector) && matchesName(selector, resource.id);
  const { resources, permissions, deny = [] } = limits;
  return (
    resources.some(reaches) &&
    (permissions === undefined ||
      permissions.some((entry) => entry.actions.some(matches) && entry.resources.some(reaches))) &&
    !deny.some(
      (pair) =>
        pair.actions.some(matches) &&
        pair.resources.some((each) => names(each, resource) && Object.keys(each.where ?? {}).length === 0),
    )
  );
}

/** Reports whether a denied selector covers every relative name. */
const isEverything = ({ type, match, where }: DeniedPair['resources'][number]): boolean =>
  type === '*' && match === '**' && Object.keys(where ?? {}).length === 0;
