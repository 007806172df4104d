import { Controller } from '@nestjs/common';
import type { z } from 'zod';
import { erasureAnswer, erasureBody, erasurePreviewBody } from '@bailiwick/contracts/http/bodies';
import { erasurePreviewView } from '@bailiwick/contracts/queries/query';
import { logName } from '@bailiwick/core/ids';
import { IssuedKeys } from '../auth/issued-keys';
import { payloadOf, Pseudonyms } from '../auth/pseudonyms';
import { Body, Ctx, Endpoint } from '../http/endpoints/endpoint';
import type { RequestContext } from '../http/request-context';
import { LogClient } from '../log-client/log-client';

/** Erases the payloads that are stored about a person; the events stay. */
@Controller()
export class ErasuresController {
  constructor(
    private readonly logClient: LogClient,
    private readonly pseudonyms: Pseudonyms,
    private readonly keys: IssuedKeys,
  ) {}

  @Endpoint({
    method: 'POST',
    path: '/v1/erasures/preview',
    summary: 'Count what an erasure of a person would erase',
    roles: ['admin'],
    answer: erasurePreviewView,
  })
  preview(
    @Ctx() { caller }: RequestContext,
    @Body(erasurePreviewBody) body: z.infer<typeof erasurePreviewBody>,
  ): Promise<unknown> {
    const subjectRef = this.pseudonyms.ref(caller.tenant, 'person', body.subject);
    return this.logClient.query({ op: 'erasure', log: logName(caller.tenant, 0), subjectRef });
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/erasures',
    summary: 'Erase the payloads that are stored about a person; the events stay as they are',
    roles: ['admin'],
    answer: erasureAnswer,
  })
  async erase(@Ctx() context: RequestContext, @Body(erasureBody) body: z.infer<typeof erasureBody>): Promise<unknown> {
    const { tenant } = context.caller;
    await this.keys.forget(tenant, body.subject);
    const command = context.command('erase', logName(tenant, 0), {
      subjectRef: this.pseudonyms.ref(tenant, 'person', body.subject),
      ...(body.earlierReasons ? { earlierReasons: true as const } : {}),
      ...(body.reason === undefined ? {} : { payload: payloadOf({ reason: body.reason }) }),
    });
    return this.logClient.command(command);
  }
}
