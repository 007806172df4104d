import type { GrantRequest, Limits, Permission } from '@bailiwick/contracts/grants/grant';
import type { Refusal } from '@bailiwick/contracts/reason';
import type { RegrantBound } from '@bailiwick/contracts/revocations/regrants';
import { COUNTERS } from '@bailiwick/contracts/grants/grant';
import { parseTime, rfc3339 } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { onOneLevel } from '../commands/grants/narrow';
import { readsStages } from '../dimensions/stages';
import { sorted } from '../dimensions/verdict';
import { attenuatesAll } from '../dimensions/all';
import { couldUseNamed, selects, withoutVerb, type Subject } from '../revocation/selects';
import { subjectOf } from '../revocation/revocation-rules';
import { appliesAt, deniesTool, strikes, type Rule } from '../revocation/rule-set';
import { blockedItself } from '../state/liveness';
import { asideBy, doubtOf } from '../state/set-aside';
import { scopesOf } from '../state/scopes';
import type { GrantNode, LogState, RunNode } from '../state/state';
import { remainingOf, windowUsed, type Mutable } from '../state/usage';

/*
 * What a root lease that a revocation ended could get again: a new lease of a new run, for a person to approve, never the
 * old one. It has no more than was left of the old one in any dimension, and ends no later unless a person states a time.
 */

/** A root lease as it ended, in the state that still has it: that of the log, or that of its tree alone. */
export interface EndedLease {
  readonly state: LogState;
  readonly grant: GrantNode;
  readonly run: RunNode;
}

/**
 * Returns the limits that were left: caps without what was used or is still reserved, of the whole lease, of its windows
 * as of now, of its verbs and of its entries. It is not renewable.
 * @param until a person's word; left out: as long as the old lease
 */
export function leftOver({ limits, usage, children }: GrantNode, now: number, until?: string): Limits {
  const { time, budget, permissions, delegation } = limits;
  const { reserve: _reserve, ...caps } = budget;
  const windows = budget.windows.map((window, i) => {
    const used = windowUsed(usage.windows[i]?.buckets ?? [], window, now);
    const counts = COUNTERS.flatMap((each) => {
      const cap = window[each];
      return cap === undefined ? [] : [[each, Math.max(0, cap - used[each])]];
    });
    return { ...window, ...(Object.fromEntries(counts) as object), ...amountsLeft(window, used) };
  });
  const scopes = scopesOf(limits);
  const usedIn = (path: (at: number) => boolean): Mutable | undefined =>
    usage.scopes?.[scopes.findIndex((_, i) => path(i))];
  const verbs = budget.perVerb?.length ?? 0;
  const perVerb = budget.perVerb?.map((entry, at) => ({
    ...entry,
    ...partLeft(
      entry,
      usedIn((i) => i === at),
    ),
  }));
  const entries = permissions?.map((entry, at): Permission => {
    const used = usedIn((i) => i >= verbs && scopes[i]?.entry === at);
    return { ...entry, ...partLeft(entry, used) };
  });
  const left = remainingOf([{ usage, limits }]);
  const parts = [...budget.windows, ...(budget.perVerb ?? [])];
  const partsLeft = [...windows, ...(perVerb ?? [])];
  const { notBefore, expiresAt, endsOn } = time;
  return {
    ...limits,
    time: {
      notBefore: (parseTime(notBefore) ?? 0) > now ? notBefore : rfc3339(now),
      expiresAt: until ?? expiresAt,
      ...(endsOn === undefined ? {} : { endsOn }),
    },
    budget: {
      ...caps,
      ...left,
      windows,
      ...(perVerb === undefined ? {} : { perVerb }),
      ...(budget.askAt === undefined
        ? {}
        : { askAt: shareLeft(budget.askAt, [budget, ...parts], [left, ...partsLeft]) }),
    },
    ...(entries === undefined ? {} : { permissions: entries }),
    delegation: { ...delegation, children: Math.max(0, delegation.children - children) },
  };
}

type Caps = { readonly [C in (typeof COUNTERS)[number]]?: number | undefined } & {
  readonly cost?: Amounts | undefined;
  readonly units?: Amounts | undefined;
};

/**
 * Returns the share of what is left from which a person is asked, so that no more is used without a question than the share
 * of the whole had left: the least of all caps.
 */
function shareLeft(askAt: number, whole: readonly Caps[], left: readonly Caps[]): number {
  const shares = whole.flatMap((caps, at) => {
    const rest = left[at] ?? {};
    const pairs = COUNTERS.map((each): readonly [number | undefined, number | undefined] => [caps[each], rest[each]]);
    for (const kind of ['cost', 'units'] as const)
      for (const [name, cap] of Object.entries(caps[kind] ?? {})) pairs.push([cap, rest[kind]?.[name]]);
    return pairs.flatMap(([cap = 0, remaining = 0]) =>
      remaining > 0 ? [(askAt * cap - (cap - remaining)) / remaining] : [],
    );
  });
  return Math.max(0, Math.min(askAt, ...shares));
}

type Amounts = Readonly<Record<string, number>>;
const without = (caps: Amounts, used: Amounts = {}): Amounts =>
  Object.fromEntries(Object.entries(caps).map(([name, cap]) => [name, Math.max(0, cap - (used[name] ?? 0))]));

/** Money and units of caps that name them. */
const amountsLeft = (
  { cost, units }: { readonly cost?: Amounts | undefined; readonly units?: Amounts | undefined },
  used: { readonly cost: Amounts; readonly units?: Amounts | undefined },
): { cost?: Record<string, number>; units?: Record<string, number> } => ({
  ...(cost === undefined ? {} : { cost: { ...without(cost, used.cost) } }),
  ...(units === undefined ? {} : { units: { ...without(units, used.units) } }),
});

/** The caps of a part. Without an account of them nothing is left (I11). */
function partLeft(caps: Pick<Permission, 'calls' | 'cost' | 'units'>, used: Mutable | undefined) {
  const { calls, cost, units } = caps;
  const nothing: Mutable = {
    calls: Infinity,
    reads: 0,
    writes: 0,
    external: 0,
    cost: cost ?? {},
    ...(units ? { units } : {}),
  };
  const spent = used ?? nothing;
  return {
    ...(calls === undefined ? {} : { calls: Math.max(0, calls - spent.calls) }),
    ...amountsLeft({ cost, units }, spent),
  };
}

/** Writes limits as the request of a root lease: what it leaves out would be filled in by defaults, which may be wider. */
export function requestOf(limits: Limits): GrantRequest {
  const { time, actions, budget, ...others } = limits;
  const { stages: _stages, ...verbs } = actions;
  const { reserve: _reserve, ...caps } = budget;
  const { expiresAt, endsOn } = time;
  return {
    ...others,
    time: { notBefore: time.notBefore, expiresAt, ...(endsOn === undefined ? {} : { endsOn }) },
    actions: verbs,
    budget: caps,
  };
}

/**
 * Returns why a lease that ended cannot be granted again; in doubt, it cannot.
 * @param log the state of the whole log, with its rules
 */
export function whyNotAgain(
  log: LogState,
  { state, grant, run }: EndedLease,
  { revocationId, position }: Pick<Rule, 'revocationId' | 'position'>,
  left: Limits,
  now: number,
): string | undefined {
  const doubt = asideBy(state, grant.treeId) ?? doubtOf(state) ?? doubtOf(log);
  if (doubt) return `event ${doubt.position} cannot be read, so what was used of it is not known; open a new run`;
  const blocked = blockedItself(state, grant, now);
  if (grant.supersededBy !== undefined) return `it was replaced by ${grant.supersededBy} before`;
  if (blocked?.revocationId !== revocationId || blocked.status !== 'revoked')
    return `it is ${blocked?.status ?? 'live'}, and not by this revocation`;
  const { onDrift } = grant.limits.purpose;
  // its end hides that no person has resumed it
  if (grant.status === 'suspended' || run.drift >= onDrift.suspendAt)
    return 'it was suspended before it ended; a person reviews the run, and opens a new one';
  if (grant.limits.session.jkt !== undefined)
    return 'it is bound to the key of the ended run; open a new run with a new key';
  if (!readsStages(grant.limits)) return 'it was issued by an earlier release; open a new run';
  if (run.agent.attestedBy !== undefined)
    return `its posture was attested by ${run.agent.attestedBy}; open a new run with a new attestation`;
  if (left.budget.calls === 0) return 'no calls are left of it';
  if ((parseTime(left.time.expiresAt) ?? 0) <= now)
    return `its time ended at ${left.time.expiresAt}; state when the new lease ends`;
  const subject = subjectOf(run, grant);
  const stop = stopInForce(log, subject, now);
  if (stop) return stop;
  const newer = log.rules.match(subject, 0, (each) => each.position > position && strikes(each, run));
  if (newer) return `${newer.revocationId} has revoked it since, too`;
  const denied = log.rules.list.find((each) => isDenied(each, run, subject, now));
  return denied && `${denied.revocationId} denies a tool or verb that it could use; open a new run without it`;
}

const isDenied = (rule: Rule, run: RunNode, subject: Subject, now: number): boolean =>
  (rule.selector.tool !== undefined || rule.selector.verb !== undefined) &&
  deniesTool(rule, run, now) &&
  selects(withoutVerb(rule.selector), subject) &&
  couldUseNamed(rule.selector, subject.limits);

/** Returns the suspension or quarantine that is about such a lease now, however old it is. */
function stopInForce({ rules }: LogState, subject: Subject, now: number): string | undefined {
  const applies = (each: Rule): boolean => each.target !== 'tool' && appliesAt(each, now);
  const held = rules.holds(subject, applies);
  if (held) return `${held.revocationId} suspends such leases; resume it first`;
  const quarantine = rules.match(subject, 0, (each) => each.quarantine && applies(each));
  return quarantine && `${quarantine.revocationId} quarantines such leases; lift it first`;
}

/** A person refused it, or it was not answered in time. A run that the state has forgotten is taken to have had a lease. */
const gotNothing = (run: RunNode | undefined): boolean =>
  run !== undefined && run.grantId === undefined && run.status !== 'pending';

/**
 * Returns why a run may not be opened to have what was left of an ended lease: such leases are stopped, it would have more,
 * or another run was opened for it, unless a person refused that.
 */
export function regrantRefusal(
  state: LogState,
  { grantId, revocationId, atMost, asOf }: RegrantBound,
  subject: Subject,
  now: number,
): Refusal | undefined {
  const before = state.regranted.get(grantId);
  if (before !== undefined && !gotNothing(state.runs.get(before)))
    return { code: 'CONFLICT', detail: `${grantId} was granted again as ${before}` };
  if (state.regranted.size >= LIMITS.regrantsKept)
    return {
      code: 'TOO_MANY',
      detail: `a log remembers ${LIMITS.regrantsKept} leases that were granted again; open a new run`,
    };
  // the new run is newer than such a rule, which would not reach it
  const since = state.rules.list.findLast(
    (each) => each.position >= asOf && selects(withoutVerb(each.selector), subject),
  );
  if (since)
    return { code: 'CONFLICT', detail: `${since.revocationId} was made since the proposal; list the proposals again` };
  const stop = stopInForce(state, subject, now);
  if (stop !== undefined) return { code: 'QUARANTINED', detail: `${grantId} is not granted again: ${stop}` };
  const wider = attenuatesAll(subject.limits, onOneLevel(atMost));
  if (wider.length === 0) return undefined;
  return {
    code: 'GRANT_WIDENS_PARENT',
    detail: `the new lease would have more than ${revocationId} left of ${grantId} in ${sorted(wider.map(({ path }) => path)).join(', ')}`,
    reasons: wider.map((each) => ({
      rule: each.dimension,
      outcome: 'deny',
      code: 'WIDENS',
      message: each.message,
      path: each.path,
      limit: each.parent,
      actual: each.child,
    })),
  };
}
