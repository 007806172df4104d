import type { Denial } from './answers';

/** Why the boundary itself ended a call in flight: the `reason` of its abort signal. */
export class AbortReason {
  /** @param code of the denial that the agent gets in place of an answer */
  constructor(
    readonly code: Denial['code'],
    readonly says: string,
  ) {}

  /** For those that know it as the reason of a signal only, such as the transport of an upstream. */
  toString(): string {
    return this.says;
  }
}

/** Returns why a signal was aborted; undefined if it was not. A reason that is not ours is in doubt: try again. */
export function reasonOf({ aborted, reason }: AbortSignal): AbortReason | undefined {
  if (!aborted) return undefined;
  return reason instanceof AbortReason ? reason : new AbortReason('NOT_READY', 'it was aborted, and may be repeated');
}

export const REVOKED = new AbortReason('GRANT_NOT_LIVE', 'the lease of the run is no longer live');
export const UNHEARD = new AbortReason(
  'NOT_READY',
  'the owner of the log has not been heard for too long, so that the lease may have ended',
);
export const STOPPING = new AbortReason('NOT_READY', 'the service is stopping');
export const deniedBy = (revocationId: string): AbortReason =>
  new AbortReason('DENIED', `its tool or verb is no longer permitted: denied by ${revocationId}`);
