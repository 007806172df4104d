import type { EventOf } from '@bailiwick/contracts/events/event';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import type { StoredSelector } from '@bailiwick/contracts/revocations/stored-selector';
import { looksLike, nameKey } from '@bailiwick/core/look-alike';
import { couldUse, matchesVerb, sharesName, withinPattern } from './lease-verbs';

// Shares no code with the rules that decide (`libs/authority`), so that verifying a receipt also checks those rules.

/** The run and the lease that a selector is compared with. */
export interface Selected {
  readonly run: EventOf<'RunOpened'>;
  /** undefined: the run has no lease */
  readonly limits: Limits | undefined;
  readonly approver: string | undefined;
}

/** Checks all parts of a selector, but not `issuedBefore` at its top, which states the age of what a rule ends. */
export function isSelected(selector: StoredSelector, subject: Selected): boolean {
  return meets(selector, subject, looksLike);
}

type Same = (a: string, b: string) => boolean;

function meets(selector: StoredSelector, subject: Selected, isSame: Same): boolean {
  const { run, limits, approver } = subject;
  const { class: agentClass, instance, posture = {} } = run.data.agent;
  const { tool, verb, resource, issuedAfter, all = [], any, not } = selector;
  const names: [string | undefined, string | undefined][] = [
    [selector.agentClass, agentClass],
    [selector.agentInstance, instance],
    [selector.modelVersion, posture.modelVersion],
    [selector.environment, posture.environment],
    [selector.imageDigest, posture.imageDigest],
    [selector.principalRef, run.data.principalRef],
    [selector.purposeRef, run.data.purposeRef],
    [selector.approver, approver],
    [selector.treeId, run.treeId],
  ];
  const inner = (part: StoredSelector, same = isSame): boolean =>
    (part.issuedBefore === undefined || Date.parse(run.time) < Date.parse(part.issuedBefore)) &&
    meets(part, subject, same);
  if (names.some(([want, has]) => want !== undefined && (has === undefined || !isSame(want, has)))) return false;
  if (issuedAfter !== undefined && Date.parse(run.time) < Date.parse(issuedAfter)) return false;
  if (tool !== undefined && !(limits && couldUse(limits, nameKey(tool)))) return false;
  if ((verb ?? resource) !== undefined && !(limits && couldDo(limits, verb, resource, isSame))) return false;
  if (!all.every((part) => inner(part)) || (any && !any.some((part) => inner(part)))) return false;
  // in doubt a lease is selected: below `not`, a name that only looks alike is another name
  return !not || !inner(not, isSame === looksLike ? (a, b) => a === b : looksLike);
}

type Resource = NonNullable<StoredSelector['resource']>;

function couldDo(limits: Limits, verb: string | undefined, resource: Resource | undefined, isSame: Same): boolean {
  const { actions, resources, permissions, deny = [] } = limits;
  const verbs = verb === undefined ? ['**'] : matchesVerb.segments(verb);
  const usable = (patterns: readonly string[]) =>
    patterns.some((each) => sharesName(matchesVerb.segments(each), verbs));
  const barred = (patterns: readonly string[]) =>
    patterns.some((each) => withinPattern(verbs, matchesVerb.segments(each)));
  const reachable = (selectors: Limits['resources']) =>
    !resource || selectors.some((each) => reaches(each, resource, isSame));
  const entries = permissions ?? [{ actions: actions.allow, resources }];
  const isBarred = (wanted: Resource): boolean =>
    deny.some((pair) => barred(pair.actions) && pair.resources.some((each) => takesAll(each, wanted)));
  return (
    usable(actions.allow) &&
    (resource ? reachable(resources) : resources.length > 0) &&
    entries.some((entry) => usable(entry.actions) && reachable(entry.resources)) &&
    !barred(actions.deny) &&
    !(resource ? isBarred(resource) : resources.every(isBarred))
  );
}

function reaches({ type, match, except = [] }: Limits['resources'][number], wanted: Resource, isSame: Same): boolean {
  if (![type, wanted.type].includes('*') && !isSame(type, wanted.type)) return false;
  const [held, of] = [split(match), split(wanted.match)];
  if (held.scheme !== of.scheme || !sharesName(held.path, of.path)) return false;
  return !except.some((each) => split(each).scheme === of.scheme && withinPattern(of.path, split(each).path));
}

function takesAll({ type, match, where = {} }: Limits['resources'][number], wanted: Resource): boolean {
  if (Object.keys(where).length > 0 || (type !== '*' && type !== wanted.type)) return false;
  const [held, of] = [split(match), split(wanted.match)];
  return held.scheme === of.scheme && withinPattern(of.path, held.path);
}

/** Separates relative names, absolute paths and addresses, of which no pattern covers another kind. */
function split(text: string): { scheme: string; path: readonly string[] } {
  const scheme = /^(https?:\/\/|\/)?/.exec(text)?.[0] ?? '';
  return { scheme, path: text.slice(scheme.length).split('/') };
}
