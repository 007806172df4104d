import { Controller } from '@nestjs/common';
import { z } from 'zod';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import { narrowedAnswer, narrowingBody, renewalBody, renewedAnswer } from '@bailiwick/contracts/http/bodies';
import { idOf } from '@bailiwick/contracts/primitives';
import { GrantTokens } from '../auth/grant-tokens';
import { payloadOf } from '../auth/pseudonyms';
import { Body, Ctx, Endpoint, Params } from '../http/endpoints/endpoint';
import type { RequestContext } from '../http/request-context';
import { LogClient } from '../log-client/log-client';
import { logOf } from '../log-client/logs';

const grantId = z.strictObject({ id: idOf('grant') });
type GrantId = z.infer<typeof grantId>;

interface Renewed {
  readonly grant: Pick<GrantView, 'id' | 'treeId' | 'runId' | 'limits'>;
  readonly parentRunId?: string;
  readonly renewedAt: string;
  readonly expiresAt: string;
  readonly position: number;
}

/** Changes live leases. The owner of the log decides whether a run holds the lease, or is above its holder. */
@Controller()
export class LeasesController {
  constructor(
    private readonly logClient: LogClient,
    private readonly tokens: GrantTokens,
  ) {}

  @Endpoint({
    method: 'POST',
    path: '/v1/grants/:id/renewal',
    summary: 'Renew a live lease for one more length of it, and get its new token',
    roles: ['orchestrator'],
    runs: true,
    answer: renewedAnswer,
  })
  async renew(
    @Ctx() context: RequestContext,
    @Params(grantId) { id }: GrantId,
    @Body(renewalBody) _body: z.infer<typeof renewalBody>,
  ): Promise<unknown> {
    const { caller } = context;
    const command = context.command('renew', logOf(caller, id), { grantId: id });
    const { grant, parentRunId, renewedAt, expiresAt, position } = await this.logClient.command<Renewed>(command);
    // the former token stays valid until its own end: both name the same lease, whose present state decides
    const run = { id: grant.runId, ...(parentRunId === undefined ? {} : { parentRunId }) } as RunView;
    const token = await this.tokens.mint(caller.tenant, run, { ...grant, issuedAt: renewedAt } as GrantView);
    return { grant, token, expiresAt, position };
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/grants/:id/narrowing',
    summary: 'Tighten a live lease, at once for everything below it',
    roles: ['orchestrator', 'responder'],
    runs: true,
    answer: narrowedAnswer,
  })
  async narrow(
    @Ctx() context: RequestContext,
    @Params(grantId) { id }: GrantId,
    @Body(narrowingBody) { grant, reason }: z.infer<typeof narrowingBody>,
  ): Promise<unknown> {
    const payload = payloadOf({ reason });
    return this.logClient.command(
      context.command('narrow', logOf(context.caller, id), { grantId: id, grant, payload }),
    );
  }
}
