import type { Actor } from '@bailiwick/contracts/events/event';
import type { GrantNode } from '../../state/state';

/**
 * Reports whether an actor may change a lease in favor of those who gave it: the run that holds it, a run above it, or
 * an actor that is no run.
 * @param chain the lease and its ancestors
 */
export const holdsOrAbove = (chain: readonly GrantNode[], actor: Actor): boolean =>
  actor.kind !== 'run' || chain.some(({ runId }) => runId === actor.id);
