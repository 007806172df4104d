import { Controller } from '@nestjs/common';
import { z } from 'zod';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import { narrowedAnswer, narrowingBody, renewalBody, renewedAnswer } from '@bailiwick/contracts/http/bodies';
import { idOf } from '@bailiwick/contracts/primitives';
import { payloadOf } from '../auth/pseudonyms';
import { TokenMint } from '../auth/token-mint';
import { Body, Ctx, Endpoint, Params } from '../http/endpoints/endpoint';
import type { RequestContext } from '../http/request-context';
import { LogClient } from '../log-client/log-client';
import { logOf } from '../log-client/logs';

const grantId = z.strictObject({ id: idOf('grant') });
type GrantId = z.infer<typeof grantId>;

interface Renewed {
  readonly grant: Pick<GrantView, 'id' | 'treeId' | 'runId' | 'limits'>;
  readonly renewedAt: string;
  readonly expiresAt: string;
  readonly position: number;
}

/** Changes live leases. The owner of the log decides whether a run holds the lease, or is above its holder. */
@Controller()
export class LeasesController {
  constructor(
    private readonly logClient: LogClient,
    private readonly mint: TokenMint,
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
    const { grant, renewedAt, expiresAt, position } = await this.logClient.command<Renewed>(command);
    // the former token stays valid until its own end: both name the same lease, whose present state decides
    const run = await this.logClient.look<RunView>('run', logOf(caller, id), grant.runId);
    const audience = caller.kind === 'run' && caller.grantId === id ? caller.audience : undefined;
    const token = await this.mint.mint(caller, run, { ...grant, issuedAt: renewedAt } as GrantView, { audience });
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
