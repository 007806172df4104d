import type { LiveView } from '@bailiwick/contracts/queries/query';
import { stopsCalls } from '../state/in-flight';
import type { LogState } from '../state/state';

/** Lists the leases whose calls in flight must be aborted, with what revoked or suspended them, as of the state's position. */
export function showLive(state: LogState, grantIds: readonly string[], now: number): LiveView {
  return {
    position: state.next - 1,
    ended: grantIds.flatMap((grantId) => {
      const blocked = stopsCalls(state, grantId, now);
      if (blocked === undefined) return [];
      const { revocationId } = blocked;
      return [revocationId === undefined ? { grantId } : { grantId, revocationId }];
    }),
  };
}
