import type { GrantRequest, Limits, Selector } from '#contracts/grant';
import type { Refusal } from '#contracts/reason';
import { parseTime, rfc3339 } from '#kernel/clock';
import { formatDuration, parseDuration } from '#kernel/duration';
import { LIMITS } from '#kernel/limits';
import { err, ok, type Result } from '#kernel/result';
import { attenuatesAll } from './dimensions/all';
import { meetWindows, tighterCost } from './dimensions/budget';
import { sorted } from './dimensions/verdict';
import { normalizePathPattern } from './pattern';
import { windowMs } from './usage';
import { normalizeVerbPattern } from './verb';

/** What a root grant takes where its request says nothing. It admits nothing until actions and resources are named. */
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

/** A request for a root grant → its limits: the defaults where it is silent, every name normalised. */
export function resolveRoot(request: GrantRequest, defaults: Limits, now: number): Result<Limits, Refusal> {
  return normalized(fill(request, { ...defaults, delegation: NO_DELEGATION }, timeOf(request, defaults, now)), now);
}

/**
 * A request for a child grant → its limits: the parent's where it is silent, but no delegation unless asked for. The
 * parent's denials, windows and caps per action stay in force. What would be wider in any dimension is refused, all of
 * it at once (I1); nothing is cut down silently.
 */
export function resolveChild(request: GrantRequest, parent: Limits, now: number): Result<Limits, Refusal> {
  const inherited = { ...parent, delegation: NO_DELEGATION, session: {} };
  const resolved = normalized(keepParents(fill(request, inherited, timeOf(request, parent, now)), parent), now);
  if (!resolved.ok) return resolved;
  const violations = attenuatesAll(resolved.value, parent);
  if (violations.length === 0) return resolved;
  return err({
    code: 'GRANT_WIDENS_PARENT',
    detail: `the child would be wider than its parent in ${sorted(violations.map((each) => each.path)).join(', ')}; ask for no more than the parent holds`,
    reasons: violations.map((each) => ({
      rule: each.dimension,
      outcome: 'deny',
      code: 'WIDENS',
      message: each.message,
      path: each.path,
      limit: each.parent,
      actual: each.child,
    })),
  });
}

const NO_DELEGATION: Limits['delegation'] = { depth: 0, children: 0, classes: [] };

function timeOf(request: GrantRequest, base: Limits, now: number): Limits['time'] {
  const { ttl, notBefore, expiresAt } = request.time ?? {};
  const begins = Math.max(parseTime(notBefore ?? base.time.notBefore) ?? now, now);
  const ends = ttl !== undefined ? begins + (parseDuration(ttl) ?? 0) : parseTime(expiresAt ?? base.time.expiresAt);
  return { notBefore: rfc3339(begins), expiresAt: rfc3339(ends ?? now) };
}

function fill(request: GrantRequest, base: Limits, time: Limits['time']): Limits {
  const budget = request.budget ?? {};
  const perAction = budget.perAction ?? base.budget.perAction;
  return {
    time,
    session: request.session ?? base.session,
    purpose: { ...base.purpose, ...defined(request.purpose) },
    actions: { ...base.actions, ...defined(request.actions) },
    resources: request.resources ?? base.resources,
    budget: {
      calls: budget.calls ?? base.budget.calls,
      reads: budget.reads ?? base.budget.reads,
      writes: budget.writes ?? base.budget.writes,
      external: budget.external ?? base.budget.external,
      cost: budget.cost ?? base.budget.cost,
      ...(perAction ? { perAction } : {}),
      windows: budget.windows ?? base.budget.windows,
    },
    delegation: { ...base.delegation, ...defined(request.delegation) },
    risk: { ...base.risk, ...defined(request.risk) },
    posture: { ...base.posture, ...defined(request.posture) },
  };
}

const defined = <T extends object>(value: T | undefined): T =>
  Object.fromEntries(Object.entries(value ?? {}).filter(([, each]) => each !== undefined)) as T;

/** What a child can never shed: denials, windows, caps per action. A window it names itself must be tight by itself. */
function keepParents(child: Limits, parent: Limits): Limits {
  const named = new Set(child.budget.windows.map(windowMs));
  const windows = [...child.budget.windows, ...parent.budget.windows.filter((window) => !named.has(windowMs(window)))];
  const own = child.budget.perAction?.cost ?? {};
  const perAction = parent.budget.perAction ? { cost: tighterCost(own, missing(own, parent.budget.perAction.cost ?? {})) } : child.budget.perAction;
  return {
    ...child,
    actions: { ...child.actions, deny: [...child.actions.deny, ...parent.actions.deny] },
    budget: { ...child.budget, windows, ...(perAction ? { perAction } : {}) },
  };
}

const missing = (own: Record<string, number>, parents: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(parents).filter(([currency]) => !Object.hasOwn(own, currency)));

function normalized(limits: Limits, now: number): Result<Limits, Refusal> {
  const bad: string[] = [];
  const verbs = (list: readonly string[], path: string): string[] =>
    sorted(list.map((text, i) => take(normalizeVerbPattern(text), `${path}[${i}] ${JSON.stringify(text)}`, bad)));
  const resources: Selector[] = limits.resources.map((selector, i) => ({
    ...selector,
    match: take(normalizePathPattern(selector.match), `grant.resources[${i}].match ${JSON.stringify(selector.match)}`, bad),
  }));
  const out: Limits = {
    ...limits,
    purpose: { ...limits.purpose, delegatedSources: sorted(limits.purpose.delegatedSources) },
    actions: { ...limits.actions, allow: verbs(limits.actions.allow, 'grant.actions.allow'), deny: verbs(limits.actions.deny, 'grant.actions.deny') },
    resources,
    budget: { ...limits.budget, windows: meetWindows(limits.budget.windows, []) },
    delegation: { ...limits.delegation, classes: sorted(limits.delegation.classes) },
  };
  if (bad.length > 0) return err({ code: 'PATTERN_INVALID', detail: bad.join('; ') });
  return checkSizes(out, now);
}

function take(result: Result<string, string>, where: string, bad: string[]): string {
  if (result.ok) return result.value;
  bad.push(`${where} ${result.error}`);
  return '';
}

function checkSizes(limits: Limits, now: number): Result<Limits, Refusal> {
  const [begins, ends] = [Date.parse(limits.time.notBefore), Date.parse(limits.time.expiresAt)];
  const tooMuch = (detail: string): Result<Limits, Refusal> => err({ code: 'GRANT_EXCEEDS_MAXIMUM', detail });
  if (!(ends > begins && ends > now)) return err({ code: 'BAD_REQUEST', detail: `grant.time: the lease would end (${limits.time.expiresAt}) before it begins (${limits.time.notBefore})` });
  if (ends - now > LIMITS.grantLifetimeMs) return tooMuch(`grant.time: a lease lasts ${formatDuration(LIMITS.grantLifetimeMs)} at most`);
  if (limits.actions.allow.length > LIMITS.patternsPerList || limits.actions.deny.length > LIMITS.patternsPerList) {
    return tooMuch(`grant.actions: at most ${LIMITS.patternsPerList} patterns in a list, with those of the parent`);
  }
  const odd = limits.budget.windows.find((window) => windowMs(window) < LIMITS.windowMinMs || windowMs(window) > LIMITS.windowMs);
  if (odd) return tooMuch(`grant.budget.windows: ${odd.per} must be from ${formatDuration(LIMITS.windowMinMs)} to ${formatDuration(LIMITS.windowMs)}`);
  if (limits.budget.windows.length > LIMITS.windowsPerBudget) return tooMuch(`grant.budget.windows: at most ${LIMITS.windowsPerBudget}, with those of the parent`);
  if (JSON.stringify(limits).length > MOST_JSON) return tooMuch(`grant: the limits are larger than ${MOST_JSON} characters`);
  return ok(limits);
}

/** The limits travel in one event's body beside its envelope. */
const MOST_JSON = LIMITS.eventBodyBytes - 3_000;
