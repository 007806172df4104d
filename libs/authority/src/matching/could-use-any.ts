import type { Limits, Selector } from '@bailiwick/contracts/grants/grant';
import { looksLike } from '@bailiwick/core/look-alike';
import { overlaps, type Segments } from './inclusion';
import { pathOf } from './name-forms';
import { verbSegments } from './verbs/verb';

/** Verbs and resources by pattern, both normalized; a member that is absent stands for any. */
export interface Wanted {
  readonly verb?: string | undefined;
  readonly resource?: { readonly type: string; readonly match: string } | undefined;
}
type Resource = NonNullable<Wanted['resource']>;

/**
 * Reports whether a lease with these limits could use one of the verbs on one of the resources, whatever the attributes
 * are. In doubt it could: of what the limits leave out, only that counts which leaves out all that is wanted, or all that
 * the limits cover.
 * @param isSameType compares types of resources
 */
export function couldUseAny(
  limits: Limits,
  { verb, resource }: Wanted,
  isSameType: (one: string, other: string) => boolean = looksLike,
): boolean {
  const verbs = verb === undefined ? ANY : verbSegments(verb);
  const admits = (pattern: string): boolean => overlaps(verbSegments(pattern), verbs);
  const leavesOut = (pattern: string): boolean => coversAll(verbSegments(pattern), verbs);
  const reaches = (selector: Selector): boolean => resource === undefined || meets(selector, resource, isSameType);
  const { actions, resources, permissions, deny = [] } = limits;
  const isDenied = (of: Resource): boolean =>
    deny.some((pair) => pair.actions.some(leavesOut) && pair.resources.some((each) => coversResource(each, of)));
  return (
    actions.allow.some(admits) &&
    !actions.deny.some(leavesOut) &&
    resources.some(reaches) &&
    (permissions === undefined ||
      permissions.some((entry) => entry.actions.some(admits) && entry.resources.some(reaches))) &&
    !(resource ? isDenied(resource) : resources.every(isDenied))
  );
}

const ANY: Segments = ['**'];

/** Reports whether a selector and a pattern have a name in common. */
function meets(
  selector: Selector,
  { type, match }: Resource,
  isSameType: (one: string, other: string) => boolean,
): boolean {
  if (selector.type !== '*' && type !== '*' && !isSameType(selector.type, type)) return false;
  const [held, wanted] = [pathOf(selector.match), pathOf(match)];
  if (held.form !== wanted.form || !overlaps(held.segments, wanted.segments)) return false;
  return !selector.except?.some((each) => {
    const left = pathOf(each);
    return left.form === wanted.form && coversAll(left.segments, wanted.segments);
  });
}

/** Reports whether a denied selector covers all names of a pattern, whatever their attributes are. */
function coversResource({ type, match, where }: Selector, wanted: Resource): boolean {
  if (Object.keys(where ?? {}).length > 0) return false;
  const [held, of] = [pathOf(match), pathOf(wanted.match)];
  return (type === '*' || type === wanted.type) && held.form === of.form && coversAll(held.segments, of.segments);
}

/**
 * Reports whether a pattern matches all that another matches, as far as their segments show it one by one: `*` covers any
 * one segment, `**` any number, and a literal or a glob only itself.
 */
function coversAll(pattern: Segments, wanted: Segments): boolean {
  // reached[i]: the pattern read so far covers the first i segments
  let reached = [true, ...wanted.map(() => false)];
  for (const segment of pattern) {
    let before = false;
    reached = reached.map((here, i) => {
      if (segment === '**') return (before ||= here);
      const last = wanted[i - 1];
      return reached[i - 1] === true && (segment === last || (segment === '*' && last !== '**'));
    });
  }
  return reached[wanted.length] === true;
}
