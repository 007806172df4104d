import type { RESPONDER_LIMITED } from '@bailiwick/contracts/policy/responder';
import { LIMITS } from '@bailiwick/core/limits';
import type { LogState } from '../state/state';
import type { CompiledResponder } from './compile';

/**
 * Returns the limit that keeps a responder from suspending. A responder must not become the outage: it has its own limit,
 * all of them have one together, and half of the room for suspensions and rules is left to people.
 */
export function limitedBy(
  { responders, rules }: Pick<LogState, 'responders' | 'rules'>,
  { id, limit }: CompiledResponder,
  now: number,
): (typeof RESPONDER_LIMITED)[number] | undefined {
  const own = responders.nodes.get(id)?.suspended ?? [];
  if (own.filter((time) => time > now - limit.withinMs).length >= limit.most) return 'responder';
  const all = responders.suspended.filter((time) => time > now - LIMITS.responderSuspensionsMs);
  if (all.length >= LIMITS.responderSuspensions) return 'tenant';
  const hasRoom =
    rules.holding < LIMITS.suspensionsApplying / 2 &&
    rules.suspensions < LIMITS.suspensions / 2 &&
    rules.list.length < LIMITS.activeRules / 2;
  return hasRoom ? undefined : 'suspensions';
}
