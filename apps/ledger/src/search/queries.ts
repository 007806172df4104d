import { idOf, tenantName } from '@bailiwick/contracts/primitives';
import { FILTERS, type Filter, type Searched } from '@bailiwick/contracts/queries/search';
import { LIMITS } from '@bailiwick/core/limits';
import { z } from 'zod';

export const minPosition = z.number().int().min(0).optional();

const limit = z.number().int().min(1).max(LIMITS.eventsPageMax).optional();
const paging = { tenant: tenantName, limit, minPosition, cursor: z.string().max(400).optional() };

export const runsQuery = FILTERS.runs.extend(paging);
export const grantsQuery = FILTERS.grants.extend(paging);
export const actionsQuery = FILTERS.actions.extend(paging);
export const approvalsQuery = FILTERS.approvals.extend(paging);

/** A kind of thing that is listed with a cursor. */
export type Listed = Exclude<Searched, 'events'>;
export type ListQuery<T extends Listed> = Filter<T> & {
  readonly tenant: string;
  readonly limit?: number | undefined;
  readonly minPosition?: number | undefined;
  readonly cursor?: string | undefined;
};

export const eventsQuery = FILTERS.events.extend({
  tenant: tenantName,
  limit,
  minPosition,
  after: z.number().int().min(-1).optional(),
});
export type EventsQuery = z.infer<typeof eventsQuery>;

export const runQuery = z.strictObject({ tenant: tenantName, runId: idOf('run'), minPosition });
export type RunQuery = z.infer<typeof runQuery>;
