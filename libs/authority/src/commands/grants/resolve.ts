import type {
  Ending,
  GrantRequest,
  Limits,
  ObligationsLimit,
  Selector,
  VerbCap,
  WindowCap,
} from '@bailiwick/contracts/grants/grant';
import type { Refusal } from '@bailiwick/contracts/reason';
import { isTimeZone } from '@bailiwick/core/calendar';
import { parseTime, rfc3339 } from '@bailiwick/core/clock';
import { parseDuration } from '@bailiwick/core/duration';
import { LIMITS } from '@bailiwick/core/limits';
import { lookAlikeFault } from '@bailiwick/core/look-alike';
import { err, type Result } from '@bailiwick/core/result';
import { attenuatesAll, meetAll } from '../../dimensions/all';
import { tighterOptions } from '../../dimensions/delegation';
import { meetVerbCap, meetVerbCaps, meetWindow, meetWindows, perActionOf, perVerbOf } from '../../dimensions/budget';
import { tighterCost } from '../../dimensions/part-caps';
import { distinctEnds } from '../../dimensions/ends-on';
import { distinct, keyOfSelector } from '../../dimensions/resources';
import { distinctPairs } from '../../dimensions/denied-pairs';
import { distinctObligations } from '../../dimensions/obligations';
import { readsStages, withStages } from '../../dimensions/stages';
import { reasonsOf, sorted } from '../../dimensions/verdict';
import { foreignInLike, foreignInName, needsLiteral } from '../../matching/foreign-syntax';
import { normalizePathPattern } from '../../matching/pattern';
import { verbKey } from '../../state/scopes';
import { windowKey } from '../../state/usage';
import { normalizeVerbPattern } from '../../matching/verbs/verb';
import { clip, counted } from '../../presentation/text';
import {
  asRequested,
  envelopeOf,
  resolvedPairs,
  resolvedPermissions,
  unionIn,
  type Union,
} from './resolve-permissions';
import { renewalOf } from './renewable';
import { checkSizes, selectorsOf, wildcardsIn } from './resolve-sizes';
import { admittedTexts, excludedTexts, exceptionFaults, wrongInExcluded } from './selector-checks';

/** Returns the limits of a root grant that requests none. They admit nothing until actions and resources are named. */
export function tenantDefaults(now: number): Limits {
  return {
    time: { notBefore: rfc3339(now), expiresAt: rfc3339(now + LIMITS.grantDefaultTtlMs) },
    session: {},
    purpose: { onDrift: { stepUpAt: 0.6, suspendAt: 0.85 }, delegatedSources: [] },
    actions: { allow: [], deny: [], mode: 'execute' },
    resources: [],
    budget: { calls: 1_000, reads: 1_000, writes: 100, external: 20, cost: {}, windows: [] },
    delegation: { depth: 0, children: 0, classes: [] },
    risk: { ceiling: 'high', approvalFrom: 'high' },
    posture: {},
  };
}

/**
 * Resolves the request for a root grant: omitted limits come from the defaults, every name is normalized.
 * @param held the limits of an existing lease, which were accepted when it was issued and are not refused for their
 * notation now
 * @param kept the limits of a manifest: its denials, windows and caps that the request does not name stay in force
 */
export function resolveRoot(
  request: GrantRequest,
  defaults: Limits,
  now: number,
  held: Limits = defaults,
  kept?: Limits,
): Result<Limits, Refusal> {
  const filled = fill(request, { ...defaults, delegation: NO_DELEGATION }, timeOf(request, defaults, now, held));
  return normalized(kept ? keepParents(filled, kept) : filled, now, held, unionIn(request), readsStages(held));
}

/**
 * Resolves the request for a child grant: omitted limits come from the parent, but no delegation unless requested. The
 * parent's denials, windows and caps per action stay in force. All limits that would be wider in any dimension are
 * refused at once (I1); nothing is cut down silently.
 * @param bounds limits of leases further above that were narrowed since the parent was issued, on the parent's level
 * @param manifest limits that apply to what the request leaves out, on the parent's level; the caller compares the result
 */
export function resolveChild(
  request: GrantRequest,
  parent: Limits,
  now: number,
  held: Limits = parent,
  bounds: readonly Limits[] = [],
  manifest: readonly Limits[] = [],
): Result<Limits, Refusal> {
  const base = [...bounds, ...manifest].reduce(meetAll, parent);
  const inherited = { ...base, delegation: NO_DELEGATION, session: {} };
  const filled = keepParents(fill(request, inherited, timeOf(request, base, now, held)), base);
  const resolved = normalized(filled, now, held, unionIn(request), readsStages(base));
  if (!resolved.ok) return resolved;
  const wider = [parent, ...bounds].flatMap((bound) => attenuatesAll(resolved.value, bound));
  const violations = asRequested(wider, resolved.value);
  if (violations.length === 0) return resolved;
  return err({
    code: 'GRANT_WIDENS_PARENT',
    detail: `the child would be wider than its parent in ${sorted(violations.map((each) => each.path)).join(', ')}; ask for no more than the parent holds`,
    reasons: reasonsOf(violations),
  });
}

/**
 * Resolves the request to narrow a lease to the given time: members left out stay, and so do the denials, windows, caps
 * per action and ends that are not named. It does not compare the limits with the held ones.
 */
export function resolveNarrowing(
  request: GrantRequest,
  held: Limits,
  time: Limits['time'],
  now: number,
): Result<Limits, Refusal> {
  if (request.budget?.reserve && !held.budget.reserve) {
    const detail = 'grant.budget.reserve: caps are set aside when a lease is issued; leave it out';
    return err({ code: 'BAD_REQUEST', detail });
  }
  const filled = keepParents(fill(request, held, time), held);
  const budget = { ...filled.budget, ...given('reserve', held.budget.reserve) };
  return normalized({ ...filled, budget }, now, held, AS_STATED, readsStages(held));
}

/** Nothing defaults to the union of the permissions. */
const AS_STATED: Union = { actions: false, resources: false };
const NO_DELEGATION: Limits['delegation'] = { depth: 0, children: 0, classes: [] };

/**
 * Resolves the time. `ttl` counts from the start of the lease; omitted members come from the base, except that nothing is
 * renewable unless requested.
 */
function timeOf(request: GrantRequest, base: Limits, now: number, held: Limits): Limits['time'] {
  const { ttl, notBefore, expiresAt } = request.time ?? {};
  const starts = Math.max(parseTime(notBefore ?? base.time.notBefore) ?? now, now);
  const ends = ttl === undefined ? parseTime(expiresAt ?? base.time.expiresAt) : starts + (parseDuration(ttl) ?? 0);
  const endsOn = request.time?.endsOn ?? base.time.endsOn;
  return {
    notBefore: rfc3339(within(starts)),
    expiresAt: rfc3339(within(ends ?? now)),
    ...renewalOf(request.time, held.time, starts, within(ends ?? now)),
    ...(endsOn === undefined ? {} : { endsOn }),
  };
}

/** Limits a time to one that a Date can hold; a later one is refused for its length below. */
const within = (ms: number): number => Math.min(ms, Date.parse('9999-12-31T23:59:59.999Z'));

function fill(request: GrantRequest, base: Limits, time: Limits['time']): Limits {
  const wanted = request.budget ?? {};
  const { calls, reads, writes, external, cost, perAction = base.budget.perAction, windows } = wanted;
  const { units = base.budget.units, perVerb = base.budget.perVerb, askAt = base.budget.askAt } = wanted;
  return {
    time,
    session: request.session ?? base.session,
    purpose: { ...base.purpose, ...defined(request.purpose) },
    actions: { ...base.actions, ...defined(request.actions) },
    resources: request.resources ?? base.resources,
    ...given('permissions', request.permissions ?? base.permissions),
    ...given('deny', request.deny ?? base.deny),
    budget: {
      calls: calls ?? base.budget.calls,
      reads: reads ?? base.budget.reads,
      writes: writes ?? base.budget.writes,
      external: external ?? base.budget.external,
      cost: cost ?? base.budget.cost,
      ...(units && Object.keys(units).length > 0 ? { units } : {}),
      ...(perAction ? { perAction } : {}),
      ...(perVerb && perVerb.length > 0 ? { perVerb } : {}),
      ...(askAt === undefined ? {} : { askAt }),
      ...(wanted.reserve ? { reserve: true as const } : {}),
      windows: windows ?? base.budget.windows,
    },
    delegation: { ...base.delegation, ...defined(request.delegation) },
    risk: { ...base.risk, ...defined(request.risk) },
    posture: { ...base.posture, ...defined(request.posture) },
    ...given('obligations', request.obligations ?? base.obligations),
  };
}

const given = <K extends string, T>(name: K, value: T | undefined): { [name in K]?: T } =>
  (value === undefined ? {} : { [name]: value }) as { [name in K]?: T };

const defined = <T extends object>(value: T | undefined): T =>
  Object.fromEntries(Object.entries(value ?? {}).filter(([, each]) => each !== undefined)) as T;

/**
 * Adds the limits that a child always keeps: its parent's denials and obligations, and every cap per action or per window that it does
 * not name itself. A cap that it names stays as named, and is wider if it is above its parent's.
 */
function keepParents(child: Limits, parent: Limits): Limits {
  const { perAction } = child.budget;
  const theirs = parent.budget.perAction;
  const [once, onceUnits] = [unnamed(perAction?.cost, theirs?.cost), unnamed(perAction?.units, theirs?.units)];
  const isAdded = Object.keys(once).length + Object.keys(onceUnits).length > 0;
  const endsOn = parent.time.endsOn && [...(child.time.endsOn ?? []), ...parent.time.endsOn];
  return {
    ...child,
    ...(endsOn ? { time: { ...child.time, endsOn } } : {}),
    actions: { ...child.actions, deny: [...child.actions.deny, ...parent.actions.deny] },
    ...given('deny', parent.deny && [...(child.deny ?? []), ...parent.deny]),
    budget: {
      ...child.budget,
      ...(isAdded ? perActionOf(tighterCost(perAction?.cost, once), tighterCost(perAction?.units, onceUnits)) : {}),
      ...perVerbOf(keepVerbCaps(child.budget.perVerb, parent.budget.perVerb)),
      windows: [...meetWindows(child.budget.windows, []), ...parent.budget.windows].reduce<WindowCap[]>(addWindow, []),
    },
    delegation: keepDelegation(child.delegation, parent.delegation),
    ...given('obligations', parent.obligations && [...(child.obligations ?? []), ...parent.obligations]),
  };
}

/** Adds the options of delegation that a child does not name. One that it names wider stays, and is refused. */
const keepDelegation = (
  child: Limits['delegation'],
  { concurrent, ask }: Limits['delegation'],
): Limits['delegation'] => ({
  ...child,
  ...tighterOptions({ concurrent: child.concurrent ?? concurrent, ask }, { ask: child.ask }),
});

/** Adds a window. An existing one of the same length takes only the caps that it does not name. */
function addWindow(windows: WindowCap[], window: WindowCap): WindowCap[] {
  const i = windows.findIndex((each) => windowKey(each) === windowKey(window));
  const known = windows[i];
  if (!known) return [...windows, window];
  const { calls, reads, writes, external, cost, units } = window;
  const theirs = defined({ calls, reads, writes, external });
  const { per, timezone } = known;
  const added = { per, timezone, cost: unnamed(known.cost, cost), units: unnamed(known.units, units) };
  const merged = meetWindow({ ...theirs, ...defined(known) }, added);
  return windows.map((each, at) => (at === i ? merged : each));
}

/** Adds the parent's caps per verb. An entry of the child for the same actions takes only those that it does not name. */
function keepVerbCaps(own: readonly VerbCap[] = [], parents: readonly VerbCap[] = []): VerbCap[] {
  return parents.reduce<VerbCap[]>(
    (caps, theirs) => {
      const i = caps.findIndex((each) => keyOfVerbCap(each) === keyOfVerbCap(theirs));
      const known = caps[i];
      if (!known) return [...caps, theirs];
      const added: VerbCap = {
        actions: known.actions,
        calls: known.calls === undefined ? theirs.calls : undefined,
        cost: unnamed(known.cost, theirs.cost),
        units: unnamed(known.units, theirs.units),
      };
      return caps.map((each, at) => (at === i ? meetVerbCap(known, added) : each));
    },
    [...own],
  );
}

/** Identifies a requested entry of `perVerb`, whatever the spelling of its verbs. */
export const keyOfVerbCap = ({ actions }: VerbCap): string =>
  verbKey(
    actions.map((text) => {
      const pattern = normalizeVerbPattern(text);
      return pattern.ok ? pattern.value : text;
    }),
  );

const unnamed = (own: Cost = {}, parents: Cost = {}): Cost =>
  Object.fromEntries(Object.entries(parents).filter(([currency]) => !Object.hasOwn(own, currency)));
type Cost = Readonly<Record<string, number>>;

/**
 * Normalizes every pattern, sorts every list and removes duplicates.
 * @param stages the modes may read stages
 */
function normalized(limits: Limits, now: number, held: Limits, union: Union, stages: boolean): Result<Limits, Refusal> {
  const bad: string[] = [];
  const known = namesOf(held);
  const inherited = new Set(selectorsOf(held).flatMap(({ except = [] }) => except));
  const fault = (path: string, text: string, why: string) => bad.push(`${path} ${JSON.stringify(clip(text))} ${why}`);
  const take = (result: Result<string, string>, path: string, text: string): string => {
    const wild = result.ok ? wildcardsIn(result.value) : 0;
    if (result.ok && wild <= LIMITS.wildcardsPerPattern) return result.value;
    const most = LIMITS.wildcardsPerPattern;
    fault(
      path,
      text,
      result.ok ? `has ${wild} wildcards and may have ${most}; use one ** for several segments` : result.error,
    );
    return '';
  };
  const verbs = (list: readonly string[], path: string): string[] =>
    sorted(list.map((text, i) => take(normalizeVerbPattern(text), `${path}[${i}]`, text)));
  const names = (list: readonly string[], path: string, wrong = wrongInName): string[] => {
    list.forEach((text, i) => {
      const why = known.has(text) ? undefined : wrong(text);
      if (why !== undefined) fault(`${path}[${i}]`, text, why);
    });
    return sorted(list);
  };
  const selectorOf = (each: Selector, path: string): Selector => {
    if (known.has(keyOfSelector(each))) return each;
    names([each.type], `${path}.type`, (type) => (type === '*' ? undefined : foreignInName(type)));
    for (const [name, condition] of Object.entries(each.where ?? {})) {
      names([name], `${path}.where`, foreignInName);
      const at = `${path}.where.${clip(name, 60)}`;
      names(admittedTexts(condition), at, foreignInName);
      names(excludedTexts(condition), at, wrongInExcluded);
      if (condition.like !== undefined) names([condition.like], `${at}.like`, foreignInLike);
    }
    const { literal, except, ...rest } = each;
    const match = take(normalizePathPattern(each.match, { literal }), `${path}.match`, each.match);
    const left = except?.map((text, k) => take(normalizePathPattern(text, { literal }), `${path}.except[${k}]`, text));
    if (left && match !== '' && !left.includes(''))
      exceptionFaults(left, match, inherited).forEach((why, k) => {
        if (why !== undefined) fault(`${path}.except[${k}]`, left[k] as string, why);
      });
    const isLiteral = literal && [match, ...(left ?? [])].some(needsLiteral);
    return { ...rest, match, ...(isLiteral ? { literal } : {}), ...(left ? { except: sorted(left) } : {}) };
  };
  const endingOf = ({ actions, resources }: Ending, i: number): Ending => {
    const path = `grant.time.endsOn[${i}]`;
    return {
      actions: verbs(actions, `${path}.actions`),
      ...(resources
        ? { resources: distinct(resources.map((each, k) => selectorOf(each, `${path}.resources[${k}]`))) }
        : {}),
    };
  };
  const verbCapOf = (cap: VerbCap, i: number): VerbCap => ({
    ...cap,
    actions: verbs(cap.actions, `grant.budget.perVerb[${i}].actions`),
  });
  const zones = new Set(held.budget.windows.map(({ timezone }) => timezone));
  limits.budget.windows.forEach(({ timezone }, i) => {
    if (timezone !== undefined && !zones.has(timezone) && !isTimeZone(timezone))
      fault(`grant.budget.windows[${i}].timezone`, timezone, 'is not a known time zone; write it like Europe/Berlin');
  });
  const { time, purpose, actions, resources, budget, delegation, posture } = limits;
  const permissions = limits.permissions && resolvedPermissions(limits.permissions, verbs, selectorOf);
  const deny = limits.deny && resolvedPairs(limits.deny, verbs, selectorOf);
  const envelope = envelopeOf(permissions ?? []);
  const out: Limits = {
    ...limits,
    ...(time.endsOn ? { time: { ...time, endsOn: distinctEnds(time.endsOn.map(endingOf)) } } : {}),
    purpose: { ...purpose, delegatedSources: names(purpose.delegatedSources, 'grant.purpose.delegatedSources') },
    actions: {
      ...actions,
      allow: union.actions ? envelope.actions : verbs(actions.allow, 'grant.actions.allow'),
      deny: verbs(actions.deny, 'grant.actions.deny'),
    },
    resources: union.resources
      ? envelope.resources
      : distinct(resources.map((each, i) => selectorOf(each, `grant.resources[${i}]`))),
    ...given('permissions', permissions),
    ...given('deny', deny && distinctPairs(deny)),
    budget: {
      ...budget,
      ...(budget.perVerb ? perVerbOf(meetVerbCaps(budget.perVerb.map(verbCapOf))) : {}),
      windows: meetWindows(budget.windows, []),
    },
    delegation: {
      ...delegation,
      classes: names(delegation.classes, 'grant.delegation.classes', (name) =>
        name === '*' ? undefined : wrongInName(name),
      ),
    },
    posture: Object.fromEntries(
      Object.entries(posture).map(([name, values]) => [name, values && names(values, `grant.posture.${name}`)]),
    ),
    ...given('obligations', limits.obligations && resolvedObligations(limits.obligations, verbs)),
  };
  if (bad.length === 0) return checkSizes(withStages(out, stages), now);
  const more = bad.length > MAX_REPORTED ? [counted(bad.length - MAX_REPORTED, 'more pattern')] : [];
  return err({
    code: 'PATTERN_INVALID',
    detail: clip([...bad.slice(0, MAX_REPORTED), ...more].join('; '), LONGEST_DETAIL),
  });
}

/** Normalizes obligations: each once, in a fixed order; none is the same as no list. */
function resolvedObligations(
  list: ObligationsLimit,
  verbs: (list: readonly string[], path: string) => string[],
): ObligationsLimit | undefined {
  const normal = list.map((each, i) =>
    each.actions === undefined ? each : { ...each, actions: verbs(each.actions, `grant.obligations[${i}].actions`) },
  );
  return normal.length === 0 ? undefined : distinctObligations(normal);
}

/** Checks a name that agents and rules are compared by; values of conditions may be in any script. */
const wrongInName = (name: string): string | undefined => foreignInName(name) ?? lookAlikeFault(name);

/** Returns every name and selector of an issued lease, including those from before a notation was refused. */
function namesOf(limits: Limits): ReadonlySet<string> {
  const { time, purpose, delegation, posture } = limits;
  return new Set([
    ...purpose.delegatedSources,
    ...selectorsOf(limits).map(keyOfSelector),
    ...(time.endsOn ?? []).flatMap((end) => (end.resources ?? []).map(keyOfSelector)),
    ...delegation.classes,
    ...Object.values(posture).flatMap((values) => values ?? []),
  ]);
}

/** The most faulty patterns that one refusal lists; a detail is bounded. */
const MAX_REPORTED = 8;
const LONGEST_DETAIL = LIMITS.detailLength - 100;
