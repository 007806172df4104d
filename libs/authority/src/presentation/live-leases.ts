import type { LiveView } from '@bailiwick/contracts/queries/query';
import { LIMITS } from '@bailiwick/core/limits';
import { deniedCalls, stopsCalls } from '../state/in-flight';
import type { LogState } from '../state/state';

/**
 * Lists the leases whose calls in flight must be aborted, and the calls that must be aborted although their leases live on,
 * with what revoked or suspended them, as of the state's position. Beyond the bound of one answer, a lease with such calls
 * is listed itself: in doubt, all its calls are aborted (I11).
 */
export function showLive(
  state: LogState,
  grantIds: readonly string[],
  now: number,
  most: number = LIMITS.deniedCallsShown,
): LiveView {
  const ended = grantIds.flatMap((grantId) => {
    const blocked = stopsCalls(state, grantId, now);
    if (blocked === undefined) return [];
    const { revocationId } = blocked;
    return [revocationId === undefined ? { grantId } : { grantId, revocationId }];
  });
  const all = deniedCalls(state, grantIds, now);
  const beyond = new Map(all.slice(most).map(({ grantId, revocationId }) => [grantId, { grantId, revocationId }]));
  return { position: state.next - 1, ended: [...ended, ...beyond.values()], denied: all.slice(0, most) };
}
