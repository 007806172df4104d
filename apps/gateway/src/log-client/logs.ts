import { logName, logNumberOf } from '@bailiwick/core/ids';
import type { Caller } from '../auth/caller';
import { Refused } from '../http/problems/problem';

/**
 * Returns the log that stores an id, always within the caller's own tenant, so that an id of another tenant is not found
 * (I9).
 */
export function logOf(caller: Caller, id: string): string {
  const n = logNumberOf(id);
  if (n === undefined) throw new Refused('NOT_FOUND', `${id.slice(0, 80)} not found.`);
  return logName(caller.tenant, n);
}

/** Refuses a grant token that is used for another run than its own. */
export function ownRun(caller: Caller, runId: string): void {
  if (caller.kind === 'run' && caller.runId !== runId)
    throw new Refused('FORBIDDEN', 'a grant token may only be used for its own run');
}

/** Refuses a grant token that is used for another grant than its own. */
export function ownGrant(caller: Caller, grantId: string): void {
  if (caller.kind === 'run' && caller.grantId !== grantId)
    throw new Refused('FORBIDDEN', 'a grant token may only be used for its own grant');
}
