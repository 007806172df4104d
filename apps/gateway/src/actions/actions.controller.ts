import { Controller } from '@nestjs/common';
import { z } from 'zod';
import {
  actionAnswer,
  actionRequest,
  outcomeRequest,
  type ActionRequest,
  type OutcomeRequest,
} from '@bailiwick/contracts/actions/action';
import { actionsBatchBody } from '@bailiwick/contracts/http/bodies';
import { idOf } from '@bailiwick/contracts/primitives';
import { Pseudonyms } from '../auth/pseudonyms';
import { Body, Ctx, Endpoint, Params, Query } from '../http/endpoints/endpoint';
import { Refused } from '../http/problems/problem';
import { Reply } from '../http/responses/http-response';
import type { RequestContext } from '../http/request-context';
import { LogClient } from '../log-client/log-client';
import { ownGrant } from '../log-client/logs';
import { LedgerSearch } from '../search/ledger-search';
import { actionsQuery, LIST_ROLES, page, type Query as SearchQuery } from '../search/queries';
import { answerText, partText, settleCommand } from './action-commands';
import { ActionDecisions } from './action-decisions';
import { ActionTokens } from './action-tokens';
import { withResultValues, withValues, type Stated } from './value-marks';

const actionId = z.strictObject({ id: idOf('action') });

/** Decides actions and records their outcomes. */
@Controller()
export class ActionsController {
  constructor(
    private readonly decisions: ActionDecisions,
    private readonly tokens: ActionTokens,
    private readonly logClient: LogClient,
    private readonly search: LedgerSearch,
    private readonly pseudonyms: Pseudonyms,
  ) {}

  @Endpoint({
    method: 'POST',
    path: '/v1/actions',
    summary: 'Decide one action; a permit is charged and recorded when it is returned',
    roles: ['enforcer'],
    runs: true,
    answer: actionAnswer,
  })
  async authorize(
    @Ctx() context: RequestContext,
    @Body(z.compile(actionRequest, { strict: true })) body: ActionRequest,
  ): Promise<Reply> {
    ownGrant(context.caller, body.grantId);
    const stated = withValues(this.pseudonyms, context.caller, body);
    if (body.token !== undefined) return this.authorizeWithToken(context, stated, body.token.audience);
    return Reply.jsonText(answerText(await this.decisions.decide(context, stated)));
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/actions::batch',
    summary: 'Decide several actions in order, each separately',
    roles: ['enforcer'],
    runs: true,
    answer: z.object({ answers: z.array(z.union([actionAnswer, z.object({ error: z.unknown() })])) }),
  })
  async authorizeAll(
    @Ctx() context: RequestContext,
    @Body(z.compile(actionsBatchBody, { strict: true })) { actions }: z.infer<typeof actionsBatchBody>,
  ): Promise<Reply> {
    for (const action of actions) ownGrant(context.caller, action.grantId);
    if (actions.some(({ token }) => token !== undefined))
      throw new Refused('BAD_REQUEST', 'a batch issues no tokens; send an action with token to /v1/actions');
    const stated = actions.map((action) => withValues(this.pseudonyms, context.caller, action));
    const answers = await this.decisions.decideAll(context, stated);
    return Reply.jsonText(`{"answers":[${answers.map(partText).join(',')}]}`);
  }

  /** Reads what the token states before the decision, so that a permit is never charged without its token. */
  private async authorizeWithToken(
    context: RequestContext,
    { token: _, ...request }: Stated<ActionRequest>,
    audience: string,
  ): Promise<Reply> {
    const holder = await this.tokens.holderOf(context.caller, request.grantId);
    const answer = await this.decisions.decide(context, request);
    const actionToken = await this.tokens.issue(holder, audience, request, answer);
    return Reply.jsonText(answerText({ ...answer, ...(actionToken === undefined ? {} : { actionToken }) }));
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/actions/:id/outcome',
    summary: 'Report the outcome of a permitted action',
    roles: ['enforcer'],
    runs: true,
    answer: z.object({ action: z.unknown(), position: z.number() }),
  })
  settle(
    @Ctx() context: RequestContext,
    @Params(actionId) { id }: z.infer<typeof actionId>,
    @Body(z.compile(outcomeRequest, { strict: true })) body: OutcomeRequest,
  ): Promise<unknown> {
    const outcome = withResultValues(this.pseudonyms, context.caller, body);
    return this.logClient.command(settleCommand(context, id, outcome));
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/actions',
    summary: 'Actions, by any of their fields',
    roles: LIST_ROLES,
    answer: page,
  })
  list(@Ctx() context: RequestContext, @Query(actionsQuery) query: SearchQuery): Promise<Reply> {
    return this.search.list(context, 'actions', query);
  }
}
