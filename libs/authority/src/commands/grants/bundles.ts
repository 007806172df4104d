import type { AskedBundle } from '@bailiwick/contracts/approvals/asked-bundle';
import type { GrantRequest, Limits, Permission } from '@bailiwick/contracts/grants/grant';
import { parseTime, rfc3339 } from '@bailiwick/core/clock';
import { parseDuration } from '@bailiwick/core/duration';
import { isOver, keyOfEntry } from '../../dimensions/entry';
import { distinctEntries } from '../../dimensions/permissions';
import type { Bundle } from '../../manifests/may-ask';
import { approvalStatus } from '../../presentation/approval-status';
import type { ApprovalNode, LogState, RunNode } from '../../state/state';

/*
 * A bundle is held for a time that starts with its approval. A request states the latest end that this can be, and the
 * approval gives the entries with the end that it is: less than was asked for, never more.
 */

/** Returns limits without the entries of permissions that have ended: they admit nothing, and no raised lease keeps them. */
export const stillHeld = (limits: Limits, now: number): Limits =>
  limits.permissions?.some((each) => isOver(each, now))
    ? { ...limits, permissions: limits.permissions.filter((each) => !isOver(each, now)) }
    : limits;

/**
 * Returns a request with the latest end of a bundle in each of its entries.
 * @param answeredBy the last time at which a person can approve it, ms
 */
export function endingAfter(want: GrantRequest, bundle: Bundle | undefined, answeredBy: number): GrantRequest {
  if (bundle?.lastsMs === undefined || want.permissions === undefined) return want;
  const end = answeredBy + bundle.lastsMs;
  return { ...want, permissions: want.permissions.map((each) => endingAt(each, end)) };
}

/** Returns the limits that an approval at this time gives: the time of a bundle starts with it. */
export function fromNowOn(
  limits: Limits,
  { bundle }: Pick<ApprovalNode, 'bundle'>,
  held: Limits | undefined,
  now: number,
): Limits {
  const lastsMs = bundle?.lasts === undefined ? undefined : parseDuration(bundle.lasts);
  if (lastsMs === undefined || limits.permissions === undefined) return limits;
  const before = new Set((held?.permissions ?? []).map(keyOfEntry));
  const isNew = (each: Permission): boolean => each.until !== undefined && !before.has(keyOfEntry(each));
  const given = limits.permissions.map((each) => (isNew(each) ? endingAt(each, now + lastsMs) : each));
  return { ...limits, permissions: distinctEntries(given) };
}

function endingAt(entry: Permission, end: number): Permission {
  const own = entry.until === undefined ? Infinity : (parseTime(entry.until) ?? -Infinity);
  return own <= end ? entry : { ...entry, until: rfc3339(end) };
}

/** Returns the pending request of a run for a bundle. */
export const pendingBundle = (
  state: LogState,
  { id, treeId }: Pick<RunNode, 'id' | 'treeId'>,
  { digest }: Pick<AskedBundle, 'digest'>,
  now: number,
): ApprovalNode | undefined =>
  state.trees
    .get(treeId)
    ?.approvals.find(
      (each) => each.runId === id && each.bundle?.digest === digest && approvalStatus(state, each, now) === 'pending',
    );
