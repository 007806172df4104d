import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { logNameSchema } from '@bailiwick/contracts/primitives';
import { Body, Ctx, Endpoint, Query } from '../http/endpoints/endpoint';
import type { RequestContext } from '../http/request-context';
import { LogClient } from '../log-client/log-client';

const which = z.strictObject({ log: logNameSchema.optional() });
type Which = z.infer<typeof which>;
const status = z.object({
  log: z.string(),
  state: z.enum(['never', 'running', 'done', 'failed', 'interrupted']),
  /** the position that the rebuild has reached, and the log's head */
  position: z.number(),
  head: z.number(),
  startedAt: z.string().optional(),
  endedAt: z.string().optional(),
  told: z.unknown().optional(),
});

const REBUILD_MS = 30_000;

/** Rebuilds read models from position 0 in parallel to the live ones. */
@Controller()
export class RebuildsController {
  constructor(private readonly logClient: LogClient) {}

  @Endpoint({
    method: 'POST',
    path: '/v1/rebuilds',
    summary: 'Rebuild the read models of a log in parallel, compare them with the live ones, and switch over',
    roles: ['admin'],
    answer: status,
    status: 202,
  })
  start(@Ctx() { caller }: RequestContext, @Body(which) body: Which): Promise<unknown> {
    return this.logClient.ledger('rebuild', { tenant: caller.tenant, ...body }, REBUILD_MS);
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/rebuilds',
    summary: 'The state of the newest rebuild of a log',
    roles: ['admin'],
    answer: status,
  })
  get(@Ctx() { caller }: RequestContext, @Query(which) query: Which): Promise<unknown> {
    return this.logClient.ledger('rebuild-status', { tenant: caller.tenant, ...query });
  }
}
