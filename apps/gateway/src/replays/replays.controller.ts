import { Controller } from '@nestjs/common';
import { replayAnswer, replayRequest, type ReplayRequest } from '@bailiwick/contracts/replay/replay';
import { parseLogName } from '@bailiwick/core/ids';
import { Body, Ctx, Endpoint } from '../http/endpoints/endpoint';
import { Streamed } from '../http/responses/http-response';
import { NDJSON, streamNdjson } from '../http/responses/ndjson';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { LogClient } from '../log-client/log-client';
import { logOf } from '../log-client/logs';
import { after, answerOf, WhatIf } from './what-if';

/** Recomputes recorded decisions under a change. */
@Controller()
export class ReplaysController {
  constructor(private readonly logClient: LogClient) {}

  @Endpoint({
    method: 'POST',
    path: '/v1/replays',
    summary:
      'What if: every recorded action decided again under other limits, policy or drift settings, and what follows from it',
    roles: ['analyst'],
    streams: true,
    answer: replayAnswer,
  })
  async replay(@Ctx() context: RequestContext, @Body(replayRequest) body: ReplayRequest): Promise<unknown> {
    const { caller, request } = context;
    if (body.treeId !== undefined) logOf(caller, body.treeId);
    if (body.log !== undefined && parseLogName(body.log).tenant !== caller.tenant)
      throw new Refused('NOT_FOUND', `Log ${body.log} not found.`);
    const updates = (await WhatIf.start(this.logClient, context, body)).updates();
    const all = after(await updates.next(), updates); // an immediate refusal keeps its status
    if (!(request.headers.accept ?? '').includes(NDJSON)) return answerOf(all);
    return new Streamed((reply) =>
      streamNdjson(reply, 'the what-if could not be computed', async (line) => {
        for await (const update of all) line(update);
      }),
    );
  }
}
