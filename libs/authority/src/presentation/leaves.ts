import type { Reason } from '@bailiwick/contracts/reason';

/** Returns the reasons that have no reasons below them, in order. */
export function leaves(reasons: readonly Reason[]): Reason[] {
  return reasons.flatMap((reason) => (reason.reasons && reason.reasons.length > 0 ? leaves(reason.reasons) : [reason]));
}
