import type { Limits } from '@bailiwick/contracts/grants/grant';
import type { Rules } from '../commands/types';
import { chainOf, type LogState } from '../state/state';
import { agentsInForce, classOf } from './in-force';

/**
 * Reports whether no threshold that applies to a lease could be reached by a drift score: neither its own, nor one of a
 * lease above it, nor one of the manifests in force. An unknown lease may have one.
 */
export function ignoresDrift(state: LogState, grantId: string, rules: Pick<Rules, 'agents'>): boolean {
  const leaf = state.grants.get(grantId);
  if (!leaf || !isOpen(leaf.limits.purpose)) return false;
  const chain = chainOf(state, grantId);
  if (!chain?.every(({ limits }) => isOpen(limits.purpose))) return false;
  const agents = agentsInForce(state, rules);
  return !agents || chain.every(({ runId }) => isOpen(agents.of(classOf(state, runId))?.most?.limits.purpose));
}

const isOpen = (purpose?: Limits['purpose']): boolean =>
  purpose === undefined || (purpose.onDrift.stepUpAt >= 1 && purpose.onDrift.suspendAt >= 1);
