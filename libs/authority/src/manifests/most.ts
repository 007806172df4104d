import { DIMENSIONS, type DimensionName, type GrantRequest, type Limits } from '@bailiwick/contracts/grants/grant';
import type { MostRequest } from '@bailiwick/contracts/policy/manifest';
import { rfc3339 } from '@bailiwick/core/clock';
import { formatDuration, parseDuration } from '@bailiwick/core/duration';
import { LIMITS } from '@bailiwick/core/limits';
import type { Refusal } from '@bailiwick/contracts/reason';
import { err, ok, type Result } from '@bailiwick/core/result';
import { resolveRoot } from '../commands/grants/resolve';
import { attenuatesAll } from '../dimensions/all';
import { actions } from '../dimensions/actions';
import { budget } from '../dimensions/budget';
import { delegation } from '../dimensions/delegation';
import type { Violation } from '../dimensions/dimension';
import { purpose } from '../dimensions/purpose';
import { resources } from '../dimensions/resources';
import { risk } from '../dimensions/risk';
import { withStages } from '../dimensions/stages';
import { time } from '../dimensions/time';

/** The dimensions that a manifest bounds by the algebra of leases; it bounds time by a length. */
export type BoundedName = Exclude<DimensionName, 'time' | 'session' | 'obligations'>;
const NOT_BOUNDED: readonly DimensionName[] = ['time', 'session', 'obligations'];
const BOUNDED = DIMENSIONS.filter((name): name is BoundedName => !NOT_BOUNDED.includes(name));

/** The most that a lease of a class may hold. */
export interface Most {
  /** the dimensions that it names */
  readonly names: readonly BoundedName[];
  /** in the dimensions that it names: its limits, and in members that it leaves out limits that bound nothing */
  readonly limits: Limits;
  /** it names what may be spent, and what may be used */
  readonly cost: boolean;
  readonly units: boolean;
  /** how long a lease lasts at most from its issue, ms */
  readonly ttlMs: number | undefined;
}

/** Limits that bound nothing, except that they allow no spending and no units. */
const UNBOUNDED: Limits = {
  time: time.unlimited,
  session: {},
  purpose: purpose.unlimited,
  actions: actions.unlimited,
  resources: resources.unlimited,
  budget: budget.unlimited,
  delegation: delegation.unlimited,
  risk: risk.unlimited,
  posture: {},
};
/** Any time: the members of a manifest do not depend on it. */
const ANY = Date.UTC(2026, 0, 1);

/**
 * Normalizes the most that a manifest allows, as the request for a lease is normalized.
 * @param known the names of time zones were checked when the bundle was deployed, and this machine need not know them
 */
export function compileMost(request: MostRequest, known: boolean): Result<Most, Refusal> {
  const held = known
    ? { ...UNBOUNDED, budget: { ...UNBOUNDED.budget, windows: request.budget?.windows ?? [] } }
    : UNBOUNDED;
  const asked: GrantRequest = {
    ...request,
    time: { ttl: formatDuration(LIMITS.grantDefaultTtlMs) },
    // nothing defaults to the union of the permissions
    actions: { allow: UNBOUNDED.actions.allow, ...request.actions },
    resources: request.resources ?? UNBOUNDED.resources,
    delegation: { ...UNBOUNDED.delegation, ...request.delegation },
  };
  const resolved = resolveRoot(asked, UNBOUNDED, ANY, held);
  if (!resolved.ok) return err(resolved.error);
  const ttlMs = request.time && parseDuration(request.time.ttl);
  if (ttlMs !== undefined && !(ttlMs > 0 && ttlMs <= LIMITS.renewalMs)) {
    const detail = `grant.time.ttl: a lease lasts ${formatDuration(LIMITS.renewalMs)} at most with its renewals, and not ${formatDuration(ttlMs)}`;
    return err({ code: 'BAD_REQUEST', detail });
  }
  return ok({
    names: BOUNDED.filter((name) => request[name] !== undefined),
    limits: { ...resolved.value, time: UNBOUNDED.time },
    cost: request.budget?.cost !== undefined,
    units: request.budget?.units !== undefined,
    ttlMs,
  });
}

/**
 * Returns what a manifest leaves of limits: its own limits, and those of the lease where it names none. A lease whose
 * limits are no wider than that is within the manifest.
 * @param issuedAt ms
 */
export function boundOf(most: Most, lease: Limits, issuedAt: number): Limits {
  const { budget: caps } = most.limits;
  const named = most.names.map((name) => [name, most.limits[name]] as const);
  const bound: Limits = {
    ...lease,
    ...(Object.fromEntries(named) as Partial<Limits>),
    ...(most.names.includes('purpose') ? { purpose: { ...lease.purpose, onDrift: most.limits.purpose.onDrift } } : {}),
    ...(most.names.includes('budget')
      ? {
          budget: {
            ...caps,
            cost: most.cost ? caps.cost : lease.budget.cost,
            units: most.units ? caps.units : lease.budget.units,
          },
        }
      : {}),
    ...(most.ttlMs === undefined ? {} : { time: timeOf(lease.time, rfc3339(issuedAt + most.ttlMs)) }),
  };
  // its modes are those of this release; a lease that gains nothing from them is not beyond it
  return withStages(bound, true);
}

const timeOf = (lease: Limits['time'], end: string): Limits['time'] => ({
  ...lease,
  expiresAt: end,
  ...(lease.renewUntil === undefined ? {} : { renewUntil: end }),
});

/** Returns where limits are wider than a manifest allows. */
export function widerThanMost(most: Most, lease: Limits, issuedAt: number): Violation[] {
  const bound = boundOf(most, lease, issuedAt);
  // a manifest and its lease are on one level, and a child is one level below its parent
  const above = { ...bound, delegation: { ...bound.delegation, depth: bound.delegation.depth + 1 } };
  const names = new Set<DimensionName>(most.names);
  return attenuatesAll(lease, above).filter(
    ({ dimension }) => names.has(dimension) || (dimension === 'time' && most.ttlMs !== undefined),
  );
}
