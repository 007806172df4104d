import { z } from 'zod';
import { shownNames } from '@bailiwick/contracts/people/person-names';
import { SEARCHES } from '@bailiwick/contracts/queries/search';
import { LIMITS } from '@bailiwick/core/limits';
import type { Role } from '../auth/api-keys';
import { wholeNumber } from '../http/whole-number';

export type Query = Readonly<Record<string, unknown>>;

export const LIST_ROLES: readonly Role[] = ['analyst', 'orchestrator', 'approver', 'responder'];

export const limit = wholeNumber(1, LIMITS.eventsPageMax).optional();
export const minPosition = wholeNumber(0).optional();
export const cursor = z.string().max(400).optional();
const after = wholeNumber(-1).optional();

export const runsQuery = SEARCHES.runs.extend({ cursor, limit, minPosition });
export const grantsQuery = SEARCHES.grants.extend({ cursor, limit, minPosition });
export const actionsQuery = SEARCHES.actions.extend({ cursor, limit, minPosition });
export const eventsQuery = SEARCHES.events.extend({ after, limit, minPosition });
export const eventStreamQuery = SEARCHES.events.extend({ after });

/** One page of a list. */
export const page = z.object({
  items: z.array(z.unknown()),
  next: z.string().nullable(),
  asOf: z.unknown(),
  ...shownNames,
});
