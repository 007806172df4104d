import type { GrantRequest, Limits, VerbCap } from '@bailiwick/contracts/grants/grant';
import type { Refusal } from '@bailiwick/contracts/reason';
import { err, ok, type Result } from '@bailiwick/core/result';
import { attenuatesAll } from '../../dimensions/all';
import { verbKey } from '../../state/scopes';
import { windowKey } from '../../state/usage';
import { resolveRoot } from './resolve';

/**
 * Returns the limits that a run would have if a person granted its request in addition to its current limits. Lists are
 * extended (denials never shrink), numbers replaced. A result that is narrower anywhere is refused: an escalation that
 * also takes away is a mistake.
 */
export function widened(old: Limits, want: GrantRequest, defaults: Limits, now: number): Result<Limits, Refusal> {
  const resolved = resolveRoot(merge(old, want), defaults, now, old);
  if (!resolved.ok) return resolved;
  const raised = resolved.value;
  // the same depth is allowed here, whereas a child is one level down
  const comparable: Limits = {
    ...raised,
    delegation: { ...raised.delegation, depth: raised.delegation.depth + 1 },
    session: old.session,
  };
  const narrower = attenuatesAll({ ...old, time: { ...old.time, notBefore: raised.time.notBefore } }, comparable);
  if (narrower.length === 0) return ok(raised);
  return err({
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
  });
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
      ...(budget.units || wanted.units ? { units: { ...budget.units, ...wanted.units } } : {}),
      ...((wanted.perAction ?? budget.perAction) ? { perAction: wanted.perAction ?? budget.perAction } : {}),
      ...(budget.perVerb || wanted.perVerb ? { perVerb: mergeVerbCaps(budget.perVerb, wanted.perVerb) } : {}),
      askAt: wanted.askAt ?? budget.askAt,
      reserve: wanted.reserve ?? budget.reserve,
      windows: mergeWindows(budget.windows, wanted.windows ?? []),
    },
    delegation: { ...old.delegation, ...want.delegation },
    risk: { ...old.risk, ...want.risk },
    posture: { ...old.posture, ...want.posture },
  };
}

function mergeVerbCaps(old: readonly VerbCap[] = [], want: readonly VerbCap[] = []): VerbCap[] {
  const named = new Set(want.map(({ actions }) => verbKey(actions)));
  return [...old.filter(({ actions }) => !named.has(verbKey(actions))), ...want];
}

function mergeWindows(
  old: Limits['budget']['windows'],
  want: Limits['budget']['windows'],
): Limits['budget']['windows'] {
  const named = new Set(want.map(windowKey));
  return [...old.filter((window) => !named.has(windowKey(window))), ...want];
}
