import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { repairAnswer, repairBody } from '@bailiwick/contracts/http/bodies';
import { logNameSchema } from '@bailiwick/contracts/primitives';
import { unreadableView } from '@bailiwick/contracts/queries/query';
import { logName, parseLogName } from '@bailiwick/core/ids';
import type { Caller } from '../auth/caller';
import { payloadOf } from '../auth/pseudonyms';
import { Body, Ctx, Endpoint, Query } from '../http/endpoints/endpoint';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { LogClient } from '../log-client/log-client';

const logQuery = z.strictObject({ log: logNameSchema.optional() });

/** Lists unreadable stored events, and sets one aside after an operator has examined it. */
@Controller()
export class RepairsController {
  constructor(private readonly logClient: LogClient) {}

  @Endpoint({
    method: 'GET',
    path: '/v1/log/unreadable',
    summary: 'The stored events of a log that cannot be read, and what each of them blocks',
    roles: ['admin', 'analyst'],
    answer: unreadableView,
  })
  async list(@Ctx() { caller }: RequestContext, @Query(logQuery) { log }: z.infer<typeof logQuery>): Promise<unknown> {
    return this.logClient.query({ op: 'unreadable', log: ownLog(caller, log) });
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/log/repairs',
    summary: 'Set an unreadable event aside: the tree that it names is ended, and it blocks nothing any longer',
    roles: ['admin'],
    answer: repairAnswer,
  })
  async setAside(@Ctx() context: RequestContext, @Body(repairBody) body: z.infer<typeof repairBody>): Promise<unknown> {
    const { position, bodyDigest, reason } = body;
    const command = context.command('setAsideEvent', ownLog(context.caller, body.log), {
      position,
      bodyDigest,
      ...(reason === undefined ? {} : { payload: payloadOf({ reason }) }),
    });
    return this.logClient.command(command);
  }
}

/** A log of the caller's tenant; its first if none is named (I9). @throws Refused NOT_FOUND */
function ownLog({ tenant }: Pick<Caller, 'tenant'>, name = logName(tenant, 0)): string {
  const named = parseLogName(name);
  if (named.tenant !== tenant || name !== logName(tenant, named.n))
    throw new Refused('NOT_FOUND', `Log ${name} not found.`);
  return name;
}
