import type { GrantRequest, Limits } from '@bailiwick/contracts/grants/grant';
import type { Change, GrantSelector } from '@bailiwick/contracts/replay/replay';
import type { Refusal } from '@bailiwick/contracts/reason';
import { canonicalize } from '@bailiwick/core/canonical';
import { ok, type Result } from '@bailiwick/core/result';
import { couldUse } from '../matching/could-use';
import { resolveChild, resolveRoot, tenantDefaults } from '../commands/grants/resolve';
import { envelopeOf } from '../commands/grants/resolve-permissions';

/** A grant about to be reissued under a change. */
export interface Reissued {
  readonly grantId: string;
  readonly treeId: string;
  readonly agentClass: string;
  /** the recorded limits */
  readonly limits: Limits;
  /** ms */
  readonly issuedAt: number;
  /** the parent's limits: as recorded, and under the change; undefined for a root */
  readonly parent: { readonly recorded: Limits; readonly limits: Limits } | undefined;
}

/** Applies a change to the limits of grants. Built once per change; independent of any state. */
export class ChangedLimits {
  private readonly overlays: { readonly select: GrantSelector; readonly limits: GrantRequest }[] = [];
  private readonly withheld: GrantSelector[];
  private readonly defaults: GrantRequest | undefined;
  private readonly onDrift: Change['drift'];

  constructor({ grant = [], policy, drift }: Change) {
    const { approvalFrom, ceiling, defaults } = policy ?? {};
    this.defaults = defaults;
    if (approvalFrom !== undefined || ceiling !== undefined)
      this.overlays.push({ select: {}, limits: { risk: { approvalFrom, ceiling } } });
    this.onDrift = drift;
    for (const { select = {}, limits } of grant) if (limits) this.overlays.push({ select, limits });
    this.withheld = grant.filter((each) => each.withhold).map(({ select = {} }) => select);
  }

  /** Reports whether the change leaves every grant as it is, so that no shadow state is needed. */
  get isEmpty(): boolean {
    return this.overlays.length === 0 && this.withheld.length === 0 && this.defaults === undefined && !this.onDrift;
  }

  withholds(grant: Reissued): boolean {
    return this.withheld.some((select) => selects(select, grant));
  }

  /**
   * Returns the limits that the grant would have. The log does not record what its request left out: a limit equal to
   * that of the parent, or to the default for a root, is assumed to have been left out, and takes the changed value.
   * Returns the same object if nothing changes.
   * @returns the refusal if the rules would not issue it (I1)
   */
  of(grant: Reissued): Result<Limits, Refusal> {
    const base = this.rebased(grant);
    if (!base.ok) return base;
    const changed = this.overlaid(grant, base.value);
    if (!changed.ok || changed.value === base.value || !grant.parent) return changed;
    // resolved like a request: the parent's denials and windows stay in force
    const { limits } = grant.parent;
    return resolveChild(asked(changed.value, limits), limits, grant.issuedAt, grant.limits);
  }

  private rebased({ limits, parent, issuedAt }: Reissued): Result<Limits, Refusal> {
    if (parent) {
      if (parent.recorded === parent.limits) return ok(limits);
      return resolveChild(asked(limits, parent.recorded), parent.limits, issuedAt, limits);
    }
    if (!this.defaults) return ok(limits);
    const before = tenantDefaults(issuedAt);
    const after = resolveRoot(this.defaults, before, issuedAt);
    return after.ok ? resolveRoot(asked(limits, before), after.value, issuedAt, limits) : after;
  }

  private overlaid(grant: Reissued, base: Limits): Result<Limits, Refusal> {
    let limits = base;
    if (this.onDrift) limits = { ...limits, purpose: { ...limits.purpose, onDrift: this.thresholds(limits) } };
    for (const { select, limits: wanted } of this.overlays) {
      if (!selects(select, grant)) continue;
      // a request without delegation asks for none; a change without delegation keeps it
      const delegation = { ...limits.delegation, ...defined(wanted.delegation) };
      const budget = { ...wanted.budget, reserve: wanted.budget?.reserve ?? limits.budget.reserve };
      const resolved = resolveRoot({ ...wanted, budget, delegation }, limits, grant.issuedAt);
      if (!resolved.ok) return resolved;
      limits = resolved.value;
    }
    return ok(limits);
  }

  /** Applies the thresholds. If only one is given and they would cross, the other one moves too. */
  private thresholds({ purpose: { onDrift } }: Limits): Limits['purpose']['onDrift'] {
    const { stepUpAt, suspendAt } = this.onDrift ?? {};
    const stops = suspendAt ?? Math.max(onDrift.suspendAt, stepUpAt ?? 0);
    return { stepUpAt: Math.min(stepUpAt ?? onDrift.stepUpAt, stops), suspendAt: stops };
  }
}

/** Returns the fault of a change that applies to any log: an invalid pattern, or limits that no lease may have. */
export function wrongWith({ grant = [], policy }: Change, now: number): Refusal | undefined {
  for (const limits of [...grant.map((each) => each.limits), policy?.defaults]) {
    const resolved = limits && resolveRoot(limits, tenantDefaults(now), now);
    if (resolved && !resolved.ok) return resolved.error;
  }
  return undefined;
}

function selects({ grantId, treeId, agentClass, verb, root }: GrantSelector, grant: Reissued): boolean {
  return (
    (grantId === undefined || grantId === grant.grantId) &&
    (treeId === undefined || treeId === grant.treeId) &&
    (agentClass === undefined || agentClass === grant.agentClass) &&
    (root === undefined || root === (grant.parent === undefined)) &&
    (verb === undefined || couldUse(grant.limits, verb))
  );
}

/** Returns the request that results in these limits on top of a base: members equal to the base are left out. */
export function asked(limits: Limits, base: Limits): GrantRequest {
  const { time, purpose, actions, budget, delegation, posture } = limits;
  const inherited = new Set(base.actions.deny);
  const denied = actions.deny.filter((pattern) => !inherited.has(pattern));
  const windows = budget.windows.filter((own) => !base.budget.windows.some((each) => same(own, each)));
  const verbCaps = (budget.perVerb ?? []).filter((own) => !base.budget.perVerb?.some((each) => same(own, each)));
  const own = <T>(value: T, from: T): T | undefined => (same(value, from) ? undefined : value);
  const permissions = own(limits.permissions, base.permissions);
  const union = permissions && envelopeOf(permissions);
  const pairs = limits.deny?.filter((pair) => !base.deny?.some((each) => same(pair, each))) ?? [];
  const obliged = limits.obligations?.filter((each) => !base.obligations?.some((other) => same(each, other))) ?? [];
  return {
    time: {
      notBefore: time.notBefore,
      expiresAt: own(time.expiresAt, base.time.expiresAt),
      // a lease that was renewed up to its last end has none left
      renewUntil: time.renewUntil !== undefined && time.renewUntil > time.expiresAt ? time.renewUntil : undefined,
      endsOn: own(time.endsOn, base.time.endsOn),
    },
    session: limits.session,
    purpose: {
      onDrift: own(purpose.onDrift, base.purpose.onDrift),
      delegatedSources: own(purpose.delegatedSources, base.purpose.delegatedSources),
    },
    actions: {
      allow: own(actions.allow, union ? union.actions : base.actions.allow),
      deny: denied.length > 0 ? denied : undefined,
      mode: own(actions.mode, base.actions.mode),
    },
    resources: own(limits.resources, union ? union.resources : base.resources),
    permissions,
    deny: pairs.length > 0 ? pairs : undefined,
    budget: {
      calls: own(budget.calls, base.budget.calls),
      reads: own(budget.reads, base.budget.reads),
      writes: own(budget.writes, base.budget.writes),
      external: own(budget.external, base.budget.external),
      cost: own(budget.cost, base.budget.cost),
      units: own(budget.units, base.budget.units),
      perAction: own(budget.perAction, base.budget.perAction),
      perVerb: verbCaps.length > 0 ? verbCaps : undefined,
      reserve: budget.reserve,
      askAt: own(budget.askAt, base.budget.askAt),
      windows: windows.length > 0 ? windows : undefined,
    },
    delegation: { ...delegation, concurrent: own(delegation.concurrent, base.delegation.concurrent) },
    risk: {
      ceiling: own(limits.risk.ceiling, base.risk.ceiling),
      approvalFrom: own(limits.risk.approvalFrom, base.risk.approvalFrom),
    },
    posture: Object.fromEntries(
      Object.entries(posture).map(([name, values]) => [name, own(values, base.posture[name as keyof typeof posture])]),
    ),
    obligations: obliged.length > 0 ? obliged : undefined,
  };
}

const same = (a: unknown, b: unknown): boolean =>
  a === b || (a !== undefined && b !== undefined && canonicalize(a) === canonicalize(b));

const defined = <T extends object>(value: T | undefined): T =>
  Object.fromEntries(Object.entries(value ?? {}).filter(([, each]) => each !== undefined)) as T;
