import { logName, logNumberOf } from '@bailiwick/core/ids';
import type { Caller } from '../auth/caller';
import { Refused } from '../http/problem';

/**
 * The log an id lives in, within the caller's own tenant: an id of another tenant is looked for there and not found
 * (I9).
 */
export function logOf(caller: Caller, id: string): string {
  const n = logNumberOf(id);
  if (n === undefined) throw new Refused('NOT_FOUND', `no ${id.slice(0, 80)} is known here`);
  return logName(caller.tenant, n);
}

/** A run speaks for itself only: any other id is as unknown to it as another tenant's. */
export function ownRun(caller: Caller, runId: string): void {
  if (caller.kind === 'run' && caller.runId !== runId)
    throw new Refused('FORBIDDEN', 'a grant token may only be used for its own run');
}
export function ownGrant(caller: Caller, grantId: string): void {
  if (caller.kind === 'run' && caller.grantId !== grantId)
    throw new Refused('FORBIDDEN', 'a grant token may only be used for its own grant');
}
