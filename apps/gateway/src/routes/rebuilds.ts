import { z } from 'zod';
import { logNameSchema } from '@bailiwick/contracts/primitives';
import { route, type Route } from '../http/route';

const which = z.strictObject({ log: logNameSchema.optional() });
const answer = z.object({
  log: z.string(),
  state: z.enum(['never', 'running', 'done', 'failed', 'interrupted']),
  /** up to where it has come, and where the log stands */
  position: z.number(),
  head: z.number(),
  startedAt: z.string().optional(),
  endedAt: z.string().optional(),
  told: z.unknown().optional(),
});

/** Read models made again from position 0, beside those that are read. */
export const rebuildRoutes: Route[] = [
  route({
    method: 'POST',
    path: '/v1/rebuilds',
    summary: 'Make the read models of a log again beside the live ones, compare, and switch to them',
    roles: ['admin'],
    body: which,
    answer,
    status: 202,
    async handle({ caller, services, body }) {
      return {
        status: 202,
        body: await services.owners.ledger('rebuild', { tenant: caller.tenant, ...body }, 30_000),
      };
    },
  }),
  route({
    method: 'GET',
    path: '/v1/rebuilds',
    summary: 'How the newest rebuild of a log stands',
    roles: ['admin'],
    query: which,
    answer,
    async handle({ caller, services, query }) {
      return { body: await services.owners.ledger('rebuild-status', { tenant: caller.tenant, ...query }) };
    },
  }),
];
