import type { Ending, Selector } from '@bailiwick/contracts/grants/grant';
import { canonicalize } from '@bailiwick/core/canonical';
import { isLeftOut, leaveOutAll } from '../matching/exception';
import { allowance, folded, includes, type Work } from '../matching/inclusion';
import { matchesPath } from '../matching/pattern';
import { matchesVerb, verbSegments } from '../matching/verbs/verb';
import { listed } from '../presentation/text';
import { conditionAllowance, implies } from './conditions/inclusion';
import { satisfies } from './conditions/operators';
import type { ActionFacts } from './dimension';
import { describeSelector, own } from './resources';

/*
 * The actions whose completion ends a lease (`time.endsOn`). In doubt a lease ends: a name in another spelling matches,
 * and so does a condition on an attribute that is missing or that only the run itself states. An end that names no
 * longer matches would let a lease outlive its task.
 */

type Call = Pick<ActionFacts, 'verb' | 'resource' | 'stated'>;

/** Reports whether the completion of a call ends a lease with these ends. */
export const isEnd = (ends: readonly Ending[], call: Call): boolean => ends.some((each) => matchesEnd(each, call));

/** Does the same for a call of which only the verb is known. */
export const mayBeEnd = (ends: readonly Ending[], verb: string): boolean =>
  ends.some(({ actions }) => actions.some((pattern) => matchesVerb(pattern, verb)));

function matchesEnd(end: Ending, call: Call): boolean {
  return mayBeEnd([end], call.verb) && (end.resources?.some((selector) => mayCover(selector, call)) ?? true);
}

/** Reports whether a selector covers the resource of a call, or may cover it. */
function mayCover({ type, match, except = [], where = {} }: Selector, { resource, stated }: Call): boolean {
  if (type !== '*' && folded(type) !== folded(resource.type)) return false;
  if (!isLeftOut([match], resource.id)) return false;
  // an exception keeps the lease alive, so it must name the resource exactly
  if (except.some((each) => matchesPath(each, resource.id))) return false;
  return Object.entries(where).every(([name, condition]) => {
    const value = Object.hasOwn(resource.attributes, name) ? resource.attributes[name] : undefined;
    return stated === 'run' || value === undefined || satisfies(condition, value);
  });
}

/** I1: returns the ends of a parent that a child would shed: those that no single end of the child includes. */
export function shedEnds(child: readonly Ending[], parent: readonly Ending[], effort?: number): Ending[] {
  const work = allowance(effort);
  return parent.filter((end) => !child.some((own) => includesEnd(own, end, work, effort)));
}

/** Reports whether every call that matches `inner` matches `outer`, whatever is known about the call. */
function includesEnd(outer: Ending, inner: Ending, work: Work, effort?: number): boolean {
  if (keyOf(outer) === keyOf(inner)) return true;
  const verbs = outer.actions.map(verbSegments);
  if (!inner.actions.every((pattern) => includes(verbs, verbSegments(pattern), work))) return false;
  if (outer.resources === undefined) return true;
  if (inner.resources === undefined) return false;
  const selectors = outer.resources;
  const conditions = conditionAllowance(effort);
  // an exception of the inner end needs nothing of the outer one; an outer selector with exceptions covers only itself
  return inner.resources.every((each) => {
    const covering = selectors.filter(
      ({ type, except, where }) =>
        except === undefined &&
        (type === '*' || (each.type !== '*' && folded(type) === folded(each.type))) &&
        Object.entries(where ?? {}).every(([name, condition]) => {
          const narrow = own(each.where, name);
          return narrow !== undefined && implies(narrow, condition, conditions);
        }),
    );
    const patterns = covering.map(({ match }) => match);
    return leaveOutAll(patterns, each.match, work);
  });
}

/** Returns the ends that are not among those from before. */
export function addedEnds(before: readonly Ending[] = [], after: readonly Ending[] = []): Ending[] {
  const known = new Set(before.map(keyOf));
  return after.filter((each) => !known.has(keyOf(each)));
}

const keyOf = (end: Ending): string => canonicalize(end);

/** Returns each end once, in a fixed order; undefined if there is none. */
export function distinctEnds(ends: readonly Ending[]): Ending[] | undefined {
  const keyed = new Map(ends.map((each) => [keyOf(each), each]));
  return keyed.size === 0 ? undefined : [...keyed].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

/** Describes the ends, e.g. `git.pr.open on repo acme/* is completed, or file.write is completed`. */
export const describeEnds = (ends: readonly Ending[]): string =>
  ends
    .map(({ actions, resources: on }) => {
      const where = on ? ` on ${listed(on.map(describeSelector), '', DESCRIBED)}` : '';
      return `${listed(actions, '', DESCRIBED)}${where} is completed`;
    })
    .join(', or ');

/** A consent card lists more values than a refusal. */
const DESCRIBED = 32;
