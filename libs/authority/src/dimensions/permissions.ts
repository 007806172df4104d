import { permissionsLimit, type Mode, type Permission, type PermissionsLimit } from '@bailiwick/contracts/grants/grant';
import { parseTime } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import type { ActionFacts, Dimension, Verdict } from './dimension';
import { inside as verbInside, rank } from './actions';
import { conditionAllowance } from './conditions/inclusion';
import { describeEntry, describeEntryIn, hasVerb, isOver, keyOfEntry, keyWithoutCaps, verdictWithVerb } from './entry';
import { withinCaps } from './entry-caps';
import { formatPartCaps, isCapped, isWithin, tighterCaps, type PartCaps } from './part-caps';
import { allowance, areApart, type Work } from '../matching/inclusion';
import { verbSegments } from '../matching/verbs/verb';
import { clip, listed, sentence, shown } from '../presentation/text';
import { describeSelector, inside, isOfType, resources, type Effort } from './resources';
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
  admits(limit, action, situation, now) {
    if (limit === undefined) return PERMIT;
    if (!Array.isArray(limit)) return deny('NO_PERMISSION', 'its permissions are not a list', { path: 'permissions' });
    const { verb } = action;
    let mildest: Verdict | undefined;
    for (const i of entriesFor(limit, verb)) {
      const entry = limit[i] as Permission;
      if (isOver(entry, now)) continue;
      let verdict = verdictWithVerb(entry, i, action, situation.stages);
      if (verdict === undefined) continue;
      if (verdict.outcome !== 'deny' && isCapped(entry)) verdict = withinCaps(verdict, limit, i, action, situation);
      if (verdict.outcome === 'permit') return PERMIT;
      if (mildest === undefined || severity(verdict) < severity(mildest)) mildest = verdict;
    }
    return mildest ?? noneFor(limit, action, now);
  },
  describe: (limit, stages = true) =>
    limit === undefined
      ? 'not limited'
      : `only ${sentence(limit.map((each) => describeEntryIn(each, stages))) || 'nothing'}`,
};

/** An entry that is used up would admit the action, so its answer explains more than another. */
const severity = ({ outcome, code }: Verdict): number =>
  outcome === 'step-up' ? 0 : code === 'PERMISSION_EXHAUSTED' ? 1 : 2;

function noneFor(all: PermissionsLimit, { verb, resource: { type, id } }: ActionFacts, now: number): Verdict {
  const limit = all.filter((entry) => !isOver(entry, now));
  const withVerb = limit.filter((entry) => hasVerb(entry, verb));
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

// ---- entries by verb -------------------------------------------------------------------------------------------

/** Indexes of entries, ascending: of those that name a first segment, with those that name none; and of the latter. */
interface ByVerb {
  readonly first: ReadonlyMap<string, readonly number[]>;
  readonly any: readonly number[];
  /** the entries that have a verb, for verbs that were asked for */
  readonly having: Map<string, readonly number[]>;
}
/** Leases share their lists, so that one index serves all that were issued alike. */
const INDEXES = new WeakMap<PermissionsLimit, ByVerb>();
/** The most verbs that one index remembers: a task asks for few. */
const FAMILIAR = 64;

/** Returns the entries that have a verb. */
function entriesFor(limit: PermissionsLimit, verb: string): readonly number[] {
  let index = INDEXES.get(limit);
  if (!index) {
    index = indexOf(limit);
    INDEXES.set(limit, index);
  }
  const known = index.having.get(verb);
  if (known) return known;
  const dot = verb.indexOf('.');
  const near = index.first.get(dot < 0 ? verb : verb.slice(0, dot)) ?? index.any;
  const having = near.filter((i) => hasVerb(limit[i] as Permission, verb));
  if (index.having.size >= FAMILIAR) index.having.clear();
  index.having.set(verb, having);
  return having;
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
    having: new Map(),
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
    ...(endsWithin(child, parent)
      ? []
      : [`ends at ${parent.until ?? 'another time'}: name until in the entry, no later`]),
    ...(isWithin(child, parent)
      ? []
      : [
          `may use at most ${formatPartCaps(parent)} in all: name ${capNames(parent)} in the entry, no larger than that`,
        ]),
  ];
}

const endsWithin = (child: Permission, parent: Permission): boolean =>
  parent.until === undefined || (child.until !== undefined && endOf(child) <= endOf(parent));

/** An end that cannot be read is no end for a child, and over for its parent (I11): nothing compares with it. */
const endOf = ({ until }: Permission): number => parseTime(until ?? '') ?? NaN;

/** Names the caps of an entry as a request has them: `calls and cost`. */
const capNames = ({ calls, cost, units }: PartCaps): string =>
  sentence(Object.entries({ calls, cost, units }).flatMap(([name, cap]) => (cap === undefined ? [] : [name])));

function meetEntries(x: Permission, y: Permission): Permission[] {
  const actions = sorted([
    ...x.actions.filter((each) => verbInside(y.actions, each)),
    ...y.actions.filter((each) => verbInside(x.actions, each)),
  ]);
  const met = resources.meet(x.resources, y.resources);
  const mode = lower(x.mode, y.mode);
  return actions.length > 0 && met.length > 0
    ? [{ actions, resources: met, ...(mode ? { mode } : {}), ...sooner(x, y), ...tighterCaps(x, y) }]
    : [];
}

/** Returns the earlier of two ends. */
function sooner(x: Permission, y: Permission): Pick<Permission, 'until'> {
  const until = endsWithin(x, y) ? x.until : y.until;
  return until === undefined ? {} : { until };
}

function lower(a: Mode | undefined, b: Mode | undefined): Mode | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return rank(a) <= rank(b) ? a : b;
}

/**
 * Returns each entry once, in a fixed order. Of entries that cover the same, one whose caps are all within those of another
 * adds nothing: all of them have the same usage.
 */
export function distinctEntries(entries: readonly Permission[]): Permission[] {
  const keyed = new Map(entries.map((each) => [keyOfEntry(each), each]));
  const all = [...keyed].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
  return all.some(isCapped)
    ? all.filter((each) => !isCapped(each) || !all.some((other) => other !== each && isOutdone(each, other)))
    : all;
}

/** Reports whether another entry covers the same, with caps no smaller. */
const isOutdone = (entry: Permission, other: Permission): boolean =>
  isWithin(entry, other) && keyWithoutCaps(entry) === keyWithoutCaps(other);

/**
 * Returns the entries of narrowed permissions that would count from nothing: they are inside capped entries only, and
 * none covers the same with caps no smaller. Usage continues only under what an entry covers, and caps must not start
 * again (I3).
 * @param counting the entries that have counted so far; the others have nothing to continue
 */
export function restarted(
  narrowed: PermissionsLimit = [],
  held: PermissionsLimit = [],
  counting: PermissionsLimit = held,
): Permission[] {
  const keys = new Set(counting.filter(isCapped).map(keyWithoutCaps));
  const isCounted = (entry: Permission): boolean => isCapped(entry) && keys.has(keyWithoutCaps(entry));
  const capped = held.filter(isCounted);
  if (capped.length === 0) return [];
  const free = held.filter((each) => !isCounted(each));
  return narrowed.filter(
    (entry) => !capped.some((each) => isOutdone(entry, each)) && !permissions.attenuates([entry], free).ok,
  );
}
