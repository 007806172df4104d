import type { GrantRequest, Limits } from '@bailiwick/contracts/grants/grant';
import type { Refusal } from '@bailiwick/contracts/reason';
import { parseDuration } from '@bailiwick/core/duration';
import { err, type Result } from '@bailiwick/core/result';
import { attenuatesAll } from '../../dimensions/all';
import { resolveRoot } from './resolve';

/**
 * Returns the limits that a run would have if a person granted its request in addition to its current limits. Lists are
 * extended (denials never shrink), numbers replaced. A result that is narrower anywhere is refused: an escalation that
 * also takes away is a mistake.
 */
export function widened(old: Limits, want: GrantRequest, defaults: Limits, now: number): Result<Limits, Refusal> {
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
  const narrower = attenuatesAll({ ...old, time: { ...old.time, notBefore: raised.time.notBefore } }, comparable);
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

function merge(old: Limits, want: GrantRequest): GrantRequest {
  const { budget } = old;
  const wanted = want.budget ?? {};
  return {
    time:
      want.time?.ttl || want.time?.expiresAt
        ? want.time
        : { notBefore: old.time.notBefore, expiresAt: old.time.expiresAt },
    session: want.session ?? old.session,
    purpose: {
      onDrift: want.purpose?.onDrift ?? old.purpose.onDrift,
      delegatedSources: [...old.purpose.delegatedSources, ...(want.purpose?.delegatedSources ?? [])],
    },
    actions: {
      allow: [...old.actions.allow, ...(want.actions?.allow ?? [])],
      deny: [...old.actions.deny, ...(want.actions?.deny ?? [])],
      mode: want.actions?.mode ?? old.actions.mode,
    },
    resources: [...old.resources, ...(want.resources ?? [])],
    budget: {
      calls: wanted.calls ?? budget.calls,
      reads: wanted.reads ?? budget.reads,
      writes: wanted.writes ?? budget.writes,
      external: wanted.external ?? budget.external,
      cost: { ...budget.cost, ...wanted.cost },
      ...((wanted.perAction ?? budget.perAction) ? { perAction: wanted.perAction ?? budget.perAction } : {}),
      windows: mergeWindows(budget.windows, wanted.windows ?? []),
    },
    delegation: { ...old.delegation, ...want.delegation },
    risk: { ...old.risk, ...want.risk },
    posture: { ...old.posture, ...want.posture },
  };
}

function mergeWindows(
  old: Limits['budget']['windows'],
  want: Limits['budget']['windows'],
): Limits['budget']['windows'] {
  const named = new Set(want.map((window) => parseDuration(window.per)));
  return [...old.filter((window) => !named.has(parseDuration(window.per))), ...want];
}
