import type { GrantRequest, Limits, PermissionsLimit, VerbCap } from '@bailiwick/contracts/grants/grant';
import type { Refusal } from '@bailiwick/contracts/reason';
import { err, type Result } from '@bailiwick/core/result';
import { attenuatesAll } from '../../dimensions/all';
import { windowKey } from '../../state/usage';
import { keyOfVerbCap, resolveRoot } from './resolve';

/**
 * Returns the limits that a run would have if a person granted its request in addition to its current limits. Lists are
 * extended (denials never shrink), numbers replaced. A result that is narrower anywhere is refused: an escalation that
 * also takes away is a mistake.
 */
export function widened(old: Limits, want: GrantRequest, defaults: Limits, now: number): Result<Limits, Refusal> {
  const unbound = beyondPermissions(old, want);
  if (unbound) return err(unbound);
  const resolved = resolveRoot(merge(old, want), defaults, now, old);
  if (!resolved.ok) return resolved;
  const narrower = narrowed(old, resolved.value);
  return narrower ? err(narrower) : resolved;
}

/** Returns the refusal of a raised lease that would be narrower than the current one anywhere. */
export function narrowed(old: Limits, raised: Limits): Refusal | undefined {
  // the same depth is allowed here, whereas a child is one level down
  const comparable: Limits = {
    ...raised,
    delegation: { ...raised.delegation, depth: raised.delegation.depth + 1 },
    session: old.session,
  };
  const lower = { ...asEntries(old, raised), time: { ...old.time, notBefore: raised.time.notBefore } };
  const narrower = attenuatesAll(lower, comparable);
  if (narrower.length === 0) return undefined;
  return {
    code: 'ESCALATION_NARROWS',
    detail: `an escalation can only ask for more, but ${narrower.map((each) => each.path).join(', ')} would be less than it is now`,
    reasons: narrower.map((each) => ({
      rule: each.dimension,
      outcome: 'deny',
      code: 'WIDENS',
      message: `would be less than the current limit of the run`,
      path: each.path,
      limit: each.child,
      actual: each.parent,
    })),
  };
}

/** Refuses more verbs or resources alone for a lease with permissions: its entries would still admit none of them. */
function beyondPermissions(old: Limits, { actions, resources, permissions }: GrantRequest): Refusal | undefined {
  if (!old.permissions || permissions || (!actions?.allow && !resources)) return undefined;
  const detail =
    'the lease ties its verbs to resources; ask for what is missing in grant.permissions, as entries of actions and resources';
  return { code: 'BAD_REQUEST', detail };
}

/** Returns a lease without permissions in the form in which it is raised to one with permissions: as one entry. */
function asEntries(old: Limits, raised: Limits): Limits {
  if (old.permissions || !raised.permissions) return old;
  return { ...old, permissions: envelopeEntry(old) };
}

/** Returns the entries of a lease; one without permissions has its envelope as its only one. */
export const entriesHeld = (held: Limits): PermissionsLimit => held.permissions ?? envelopeEntry(held);

const envelopeEntry = ({ actions, resources }: Limits): PermissionsLimit =>
  actions.allow.length > 0 && resources.length > 0 ? [{ actions: actions.allow, resources }] : [];

/** Adds entries to those of a lease, or to its envelope if it has none, and what they need to the envelope. */
function mergePermissions(old: Limits, want: GrantRequest) {
  const { permissions = [] } = want;
  const held = old.permissions ?? (want.permissions ? envelopeEntry(old) : undefined);
  return {
    verbs: want.actions?.allow ?? permissions.flatMap((each) => each.actions),
    resources: want.resources ?? permissions.flatMap((each) => each.resources),
    limits: {
      ...(held ? { permissions: [...held, ...permissions] } : {}),
      ...(old.deny || want.deny ? { deny: [...(old.deny ?? []), ...(want.deny ?? [])] } : {}),
    },
  };
}

function merge(old: Limits, want: GrantRequest): GrantRequest {
  const { budget } = old;
  const { verbs, resources, limits } = mergePermissions(old, want);
  const wanted = want.budget ?? {};
  return {
    time: mergeTime(old.time, want.time),
    session: want.session ?? old.session,
    purpose: {
      onDrift: want.purpose?.onDrift ?? old.purpose.onDrift,
      delegatedSources: [...old.purpose.delegatedSources, ...(want.purpose?.delegatedSources ?? [])],
    },
    actions: {
      allow: [...old.actions.allow, ...verbs],
      deny: [...old.actions.deny, ...(want.actions?.deny ?? [])],
      mode: want.actions?.mode ?? old.actions.mode,
    },
    resources: [...old.resources, ...resources],
    ...limits,
    budget: {
      calls: wanted.calls ?? budget.calls,
      reads: wanted.reads ?? budget.reads,
      writes: wanted.writes ?? budget.writes,
      external: wanted.external ?? budget.external,
      cost: { ...budget.cost, ...wanted.cost },
      ...(budget.units || wanted.units ? { units: { ...budget.units, ...wanted.units } } : {}),
      ...(budget.perAction || wanted.perAction ? { perAction: raisedCaps(budget.perAction, wanted.perAction) } : {}),
      ...(budget.perVerb || wanted.perVerb ? { perVerb: mergeVerbCaps(budget.perVerb, wanted.perVerb) } : {}),
      askAt: wanted.askAt ?? budget.askAt,
      reserve: wanted.reserve ?? budget.reserve,
      windows: mergeWindows(budget.windows, wanted.windows ?? []),
    },
    delegation: { ...old.delegation, ...want.delegation },
    risk: { ...old.risk, ...want.risk },
    posture: { ...old.posture, ...want.posture },
    // no person is asked to lift one
    ...(old.obligations || want.obligations
      ? { obligations: [...(old.obligations ?? []), ...(want.obligations ?? [])] }
      : {}),
  };
}

const mergeVerbCaps = (old: readonly VerbCap[] = [], want: readonly VerbCap[] = []): VerbCap[] =>
  mergeCapped(old, want, keyOfVerbCap);

/** Returns the caps of both; those of the same key with the caps that the request names in place of the old ones. */
function mergeCapped<T extends Caps>(old: readonly T[], want: readonly T[], keyOf: (caps: T) => string): T[] {
  const held = new Map(old.map((each) => [keyOf(each), each]));
  const named = new Set(want.map(keyOf));
  return [
    ...old.filter((each) => !named.has(keyOf(each))),
    ...want.map((each) => raisedCaps(held.get(keyOf(each)), each)),
  ];
}

interface Caps {
  readonly cost?: Readonly<Record<string, number>> | undefined;
  readonly units?: Readonly<Record<string, number>> | undefined;
}

/** A cap that the request leaves out stays: no person is asked to lift it (I3). */
function raisedCaps<T extends Caps>(old: T | undefined, want: T | undefined): T {
  const cost = old?.cost || want?.cost ? { cost: { ...old?.cost, ...want?.cost } } : {};
  const units = old?.units || want?.units ? { units: { ...old?.units, ...want?.units } } : {};
  return { ...old, ...want, ...cost, ...units } as T;
}

/** Keeps the renewal of the lease, and every action that ends it. */
function mergeTime(old: Limits['time'], want: GrantRequest['time']): GrantRequest['time'] {
  const { notBefore, expiresAt } = old;
  const own = want?.ttl || want?.expiresAt ? want : { notBefore, expiresAt };
  const endsOn = [...(old.endsOn ?? []), ...(want?.endsOn ?? [])];
  // a lease that was renewed up to its last end has nothing left to keep
  const kept = old.renewUntil !== undefined && Date.parse(old.renewUntil) > Date.parse(expiresAt);
  return {
    ...own,
    renewUntil: want?.renewUntil ?? (kept ? old.renewUntil : undefined),
    ...(endsOn.length > 0 ? { endsOn } : {}),
  };
}

const mergeWindows = (
  old: Limits['budget']['windows'],
  want: Limits['budget']['windows'],
): Limits['budget']['windows'] => mergeCapped(old, want, windowKey);
