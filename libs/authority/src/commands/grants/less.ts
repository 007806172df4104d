import type { GrantRequest, Limits } from '@bailiwick/contracts/grants/grant';
import type { Refusal } from '@bailiwick/contracts/reason';
import type { Result } from '@bailiwick/core/result';
import { refuse } from '../types';
import { narrowed } from './narrow';

/**
 * Returns the limits that a person gives instead of those asked for: members left out are as asked for, and none may be
 * wider. The key of the session is the run's, and no approval replaces it.
 * @param held the limits of the lease that is raised, whose entries have counted
 */
export function lessThan(
  asked: Limits,
  request: GrantRequest,
  now: number,
  held: Limits | undefined,
): Result<Limits, Refusal> {
  if (request.session !== undefined)
    return refuse('BAD_REQUEST', 'grant.session: an approval does not change the key of a run; leave it out');
  const given = narrowed(asked, request, now, held?.permissions ?? []);
  if (given.ok || given.error.code !== 'NARROWING_WIDENS') return given;
  const paths = given.error.reasons?.map((each) => each.path ?? each.rule) ?? [];
  return refuse(
    'GRANT_WIDENS_PARENT',
    `an approval may give less than was asked for, and this is more in ${[...new Set(paths)].sort().join(', ')}`,
    given.error.reasons,
  );
}
