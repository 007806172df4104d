import { Controller } from '@nestjs/common';
import type { z } from 'zod';
import { erasureAnswer, erasureBody, erasurePreviewBody } from '@bailiwick/contracts/http/bodies';
import { erasurePreviewAnswer } from '@bailiwick/contracts/queries/query';
import { logName } from '@bailiwick/core/ids';
import { IssuedKeys } from '../auth/issued-keys';
import { payloadOf, Pseudonyms } from '../auth/pseudonyms';
import { Sessions } from '../auth/sessions/sessions';
import { Body, Ctx, Endpoint } from '../http/endpoints/endpoint';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { LogClient } from '../log-client/log-client';

/** Erases the payloads that are stored about a person; the events stay. */
@Controller()
export class ErasuresController {
  constructor(
    private readonly logClient: LogClient,
    private readonly pseudonyms: Pseudonyms,
    private readonly keys: IssuedKeys,
    private readonly sessions: Sessions,
  ) {}

  @Endpoint({
    method: 'POST',
    path: '/v1/erasures/preview',
    summary: 'Count what an erasure of a person would erase',
    roles: ['admin'],
    answer: erasurePreviewAnswer,
  })
  async preview(
    @Ctx() { caller }: RequestContext,
    @Body(erasurePreviewBody) body: z.infer<typeof erasurePreviewBody>,
  ): Promise<unknown> {
    const { tenant } = caller;
    const subjectRef = this.pseudonyms.ref(tenant, 'person', body.subject);
    const query = { op: 'erasure', log: logName(tenant, 0), subjectRef } as const;
    const [found, keys] = await Promise.all([this.logClient.query<object>(query), this.liveKeys(tenant, subjectRef)]);
    return { ...found, keys };
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
    const subjectRef = this.pseudonyms.ref(tenant, 'person', body.subject);
    const live = await this.liveKeys(tenant, subjectRef);
    if (live.length > 0)
      throw new Refused('CONFLICT', `live keys name this person; revoke them first: ${live.slice(0, 10).join(', ')}`);
    await this.keys.forget(tenant, subjectRef);
    await this.sessions.endOf(tenant, subjectRef); // they hold the name
    const command = context.command('erase', logName(tenant, 0), {
      subjectRef,
      ...(body.earlierReasons ? { earlierReasons: true as const } : {}),
      ...(body.reason === undefined ? {} : { payload: payloadOf({ reason: body.reason }) }),
    });
    return this.logClient.command(command);
  }

  /** Lists the keys that name a person and are still accepted: with them, the person's name would remain. */
  private async liveKeys(tenant: string, subjectRef: string): Promise<string[]> {
    const all = await this.keys.list(tenant);
    return all.flatMap(({ id, person, status }) =>
      status === 'active' && person !== undefined && this.pseudonyms.ref(tenant, 'person', person) === subjectRef
        ? [id]
        : [],
    );
  }
}
