import { permissionsLimit, type Mode, type Permission, type PermissionsLimit } from '@bailiwick/contracts/grants/grant';
import { LIMITS } from '@bailiwick/core/limits';
import type { ActionFacts, Dimension, Verdict } from './dimension';
import { admitsInMode, inside as verbInside, MODE_TEXT, rank } from './actions';
import { conditionAllowance } from './conditions/inclusion';
import { allowance, areApart, type Work } from '../matching/inclusion';
import { matchesVerb, verbSegments } from '../matching/verbs/verb';
import { clip, listed, sentence, shown } from '../presentation/text';
import { describeSelector, inside, isOfType, keyOfSelector, matches, resources, type Effort } from './resources';
import { deny, PERMIT, sorted, TOO_INTRICATE, Wider } from './verdict';

/**
 * Ties verbs to resources: an action needs one entry that has its verb and its resource, inside the envelope of
 * `actions` and `resources`. Of several such entries the mildest answer counts. A lease without the limit admits what
 * its envelope admits.
 *
 * A child's entry lies inside ONE entry of its parent, with all its verbs and selectors. Entries are not taken together:
 * the parent may read docs and write src, and the child's entry to read and write docs lies in neither.
 */
export const permissions: Dimension<PermissionsLimit | undefined> = {
  name: 'permissions',
  schema: permissionsLimit.optional(),
  unlimited: undefined,
  /** Meets entry by entry, as `actions` and `resources` do. */
  meet(a, b) {
    if (a === undefined || b === undefined) return a ?? b;
    const own = new Set([...a, ...b].map(keyOfEntry));
    const met = distinctEntries(a.flatMap((x) => b.flatMap((y) => meetEntries(x, y))));
    const [first, rest] = [met.filter((each) => own.has(keyOfEntry(each))), met.filter((e) => !own.has(keyOfEntry(e)))];
    return [...first, ...rest].slice(0, LIMITS.permissionsPerGrant);
  },
  attenuates(child, parent, effort) {
    const wider = new Wider('permissions');
    if (parent === undefined) return wider.result();
    wider.unless(
      child !== undefined,
      'permissions',
      null,
      shown(parent.map(describeEntry)),
      'would not be bound to the permissions of its parent',
    );
    const work: Comparison = {
      verbs: allowance(effort),
      resources: { paths: allowance(effort), conditions: conditionAllowance(effort) },
    };
    for (const [i, entry] of (child ?? []).entries()) {
      const why = whyOutside(entry, parent, work);
      wider.unless(
        why === undefined,
        `permissions[${i}]`,
        describeEntry(entry),
        shown(parent.map(describeEntry)),
        `would permit ${describeEntry(entry)}, which is inside no single entry of its parent: ${why ?? ''}`,
      );
    }
    return wider.result();
  },
  admits(limit, action) {
    if (limit === undefined) return PERMIT;
    if (!Array.isArray(limit)) return deny('NO_PERMISSION', 'its permissions are not a list', { path: 'permissions' });
    const { verb } = action;
    let mildest: Verdict | undefined;
    for (const i of entriesFor(limit, verb)) {
      const verdict = verdictOf(limit[i] as Permission, i, action);
      if (verdict?.outcome === 'permit') return PERMIT;
      if (verdict && (mildest === undefined || (mildest.outcome === 'deny' && verdict.outcome === 'step-up')))
        mildest = verdict;
    }
    return mildest ?? noneFor(limit, action);
  },
  describe: (limit) =>
    limit === undefined ? 'not limited' : `only ${sentence(limit.map(describeEntry)) || 'nothing'}`,
};

/** Decides under one entry; undefined if it does not have the verb or the resource. */
function verdictOf(entry: Permission, i: number, action: ActionFacts): Verdict | undefined {
  const { type, id } = action.resource;
  if (!entry.actions.some((pattern) => matchesVerb(pattern, action.verb))) return undefined;
  if (!entry.resources.some((selector) => isOfType(type, selector) && matches(selector, id))) return undefined;
  const where = resources.admits(entry.resources, action, NO_SITUATION, 0);
  const mode = admitsInMode(entry.mode ?? 'execute', action, `permissions[${i}].mode`);
  if (where.outcome === 'permit' || mode.outcome === 'deny') return mode;
  if (where.outcome === 'deny') return at(where, i);
  // both may ask a person, who reads both reasons
  const message = mode.outcome === 'permit' ? where.message : `${where.message}; ${mode.message}`;
  return at({ ...where, message }, i);
}

/** Resources are decided by the action alone. */
const NO_SITUATION = {} as never;

function at(verdict: Verdict, i: number): Verdict {
  const code = verdict.outcome === 'deny' ? 'NO_PERMISSION' : verdict.code;
  return { ...verdict, ...(code === undefined ? {} : { code }), path: `permissions[${i}].resources` };
}

function noneFor(limit: PermissionsLimit, { verb, resource: { type, id } }: ActionFacts): Verdict {
  const withVerb = limit.filter((entry) => entry.actions.some((pattern) => matchesVerb(pattern, verb)));
  const says =
    withVerb.length > 0
      ? `${verb} is not permitted on ${clip(type)} ${clip(id)}, only on ${listed(withVerb.flatMap((entry) => entry.resources.map(describeSelector)))}`
      : `no permission has ${verb}: the lease permits ${listed(limit.map(describeEntry))}`;
  return deny('NO_PERMISSION', says, {
    path: 'permissions',
    limit: shown(limit.map(describeEntry)),
    actual: { verb: clip(verb), type: clip(type), id: clip(id) },
  });
}

// ---- entries by the first segment of their verbs ---------------------------------------------------------------

/** Indexes of entries, ascending: of those that name a first segment, with those that name none; and of the latter. */
interface ByVerb {
  readonly first: ReadonlyMap<string, readonly number[]>;
  readonly any: readonly number[];
}
/** Leases share their lists, so that one index serves all that were issued alike. */
const INDEXES = new WeakMap<PermissionsLimit, ByVerb>();

function entriesFor(limit: PermissionsLimit, verb: string): readonly number[] {
  let index = INDEXES.get(limit);
  if (!index) {
    index = indexOf(limit);
    INDEXES.set(limit, index);
  }
  const dot = verb.indexOf('.');
  return index.first.get(dot < 0 ? verb : verb.slice(0, dot)) ?? index.any;
}

function indexOf(limit: PermissionsLimit): ByVerb {
  const firsts = limit.map(({ actions }) => actions.map((pattern) => verbSegments(pattern)[0] ?? ''));
  const isAny = (heads: readonly string[]): boolean => heads.some((head) => head === '*' || head === '**');
  const having = (segment: string): number[] =>
    firsts.flatMap((heads, i) => (isAny(heads) || heads.includes(segment) ? [i] : []));
  const named = [...new Set(firsts.flat())];
  return {
    first: new Map(named.map((segment) => [segment, having(segment)])),
    any: firsts.flatMap((heads, i) => (isAny(heads) ? [i] : [])),
  };
}

// ---- comparing entries -----------------------------------------------------------------------------------------

interface Comparison {
  readonly verbs: Work;
  readonly resources: Effort;
}

/** Returns why an entry is inside no single entry of a parent; undefined if it is inside one. */
function whyOutside(entry: Permission, parent: PermissionsLimit, work: Comparison): string | undefined {
  const key = keyOfEntry(entry);
  if (parent.some((each) => keyOfEntry(each) === key)) return undefined;
  let nearest: { i: number; faults: string[] } | undefined;
  for (const [i, each] of parent.entries()) {
    if (!isNear(entry, each)) continue;
    const faults = faultsOf(entry, each, work);
    if (faults.length === 0) return undefined;
    if (!nearest || faults.length < nearest.faults.length) nearest = { i, faults };
  }
  const gaveUp = work.verbs.left < 0 || work.resources.paths.left < 0 || work.resources.conditions.left < 0;
  const why = nearest
    ? `the nearest, permissions[${nearest.i}], ${sentence(nearest.faults)}`
    : 'none has such verbs on such resources';
  return gaveUp ? `${why}; ${TOO_INTRICATE}` : why;
}

/**
 * Reports whether a comparison is worth its work: no verb and no selector is apart from all of the other entry. A
 * selector with exceptions may cover nothing, which is inside everything.
 */
const isNear = (child: Permission, parent: Permission): boolean =>
  child.actions.every((verb) => parent.actions.some((each) => !areApart(verbSegments(each), verbSegments(verb)))) &&
  child.resources.every(
    ({ type, match, except }) =>
      except !== undefined ||
      parent.resources.some((each) => isOfType(type, each) && !areApart(each.match.split('/'), match.split('/'))),
  );

function faultsOf(child: Permission, parent: Permission, work: Comparison): string[] {
  const verbs = child.actions.filter((verb) => !verbInside(parent.actions, verb, work.verbs));
  const outside = child.resources.filter((selector) => !inside(parent.resources, selector, work.resources));
  const [own, most] = [child.mode ?? 'execute', parent.mode ?? 'execute'];
  return [
    ...(verbs.length > 0 ? [`does not have ${listed(verbs)}`] : []),
    ...(outside.length > 0
      ? [`does not cover ${listed(outside.map(describeSelector))} under the same conditions`]
      : []),
    ...(rank(own) <= rank(most) ? [] : [`may only ${most}`]),
  ];
}

function meetEntries(x: Permission, y: Permission): Permission[] {
  const actions = sorted([
    ...x.actions.filter((each) => verbInside(y.actions, each)),
    ...y.actions.filter((each) => verbInside(x.actions, each)),
  ]);
  const met = resources.meet(x.resources, y.resources);
  const mode = lower(x.mode, y.mode);
  return actions.length > 0 && met.length > 0 ? [{ actions, resources: met, ...(mode ? { mode } : {}) }] : [];
}

function lower(a: Mode | undefined, b: Mode | undefined): Mode | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return rank(a) <= rank(b) ? a : b;
}

/** Returns each entry once, in a fixed order. */
export function distinctEntries(entries: readonly Permission[]): Permission[] {
  const keyed = new Map(entries.map((each) => [keyOfEntry(each), each]));
  return [...keyed].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

export const keyOfEntry = ({ actions, resources: selectors, mode }: Permission): string =>
  JSON.stringify([actions, selectors.map(keyOfSelector), mode ?? null]);

/** A consent card lists more values than a refusal. */
const DESCRIBED = 32;

/** Describes an entry, e.g. `docs.read on file docs/**`. */
export const describeEntry = ({ actions, resources: selectors, mode }: Permission): string =>
  `${listed(actions, 'nothing', DESCRIBED)} on ${resources.describe(selectors)}${mode ? MODE_TEXT[mode] : ''}`;
