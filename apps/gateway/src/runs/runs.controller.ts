import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { runView, type GrantView, type RunView } from '@bailiwick/contracts/grants/grant';
import {
  completionBody,
  escalationBody,
  grantedAnswer,
  openRunBody,
  pendingAnswer,
} from '@bailiwick/contracts/http/bodies';
import { shownNames } from '@bailiwick/contracts/people/person-names';
import { idOf } from '@bailiwick/contracts/primitives';
import { runGraph } from '@bailiwick/contracts/queries/run-graph';
import { PersonNames } from '../auth/person-names';
import { payloadOf } from '../auth/pseudonyms';
import { TokenMint } from '../auth/token-mint';
import { Body, Ctx, Endpoint, Params, Query } from '../http/endpoints/endpoint';
import { Refused } from '../http/problems/problem';
import type { Reply } from '../http/responses/http-response';
import type { RequestContext } from '../http/request-context';
import { Branches } from '../log-client/branches';
import { LogClient } from '../log-client/log-client';
import { logOf, ownRun } from '../log-client/logs';
import { LedgerSearch } from '../search/ledger-search';
import { LIST_ROLES, minPosition, page, runsQuery, type Query as SearchQuery } from '../search/queries';
import { issuedReply } from './issued';
import { LeaseRequests } from './lease-requests';

const runId = z.strictObject({ id: idOf('run') });
type RunId = z.infer<typeof runId>;
const reportQuery = z.strictObject({ minPosition });

const REPORT_MS = 20_000;

/** Opens, completes, escalates and reports on runs. */
@Controller()
export class RunsController {
  constructor(
    private readonly logClient: LogClient,
    private readonly branches: Branches,
    private readonly mint: TokenMint,
    private readonly leases: LeaseRequests,
    private readonly search: LedgerSearch,
    private readonly names: PersonNames,
  ) {}

  @Endpoint({
    method: 'POST',
    path: '/v1/runs',
    summary: 'Open a root run and ask for its grant',
    roles: ['orchestrator'],
    answer: grantedAnswer,
    status: 201,
    also: { 202: { when: 'A person must approve first', answer: pendingAnswer } },
  })
  async open(@Ctx() context: RequestContext, @Body(openRunBody) body: z.infer<typeof openRunBody>): Promise<Reply> {
    return issuedReply(this.mint, context.caller, await this.leases.open(context, body));
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/runs/:id',
    summary: 'The current state of a run',
    roles: ['orchestrator', 'enforcer', 'approver', 'responder', 'analyst'],
    runs: true,
    answer: runView.extend(shownNames),
  })
  async get(@Ctx() { caller }: RequestContext, @Params(runId) { id }: RunId): Promise<unknown> {
    await this.branches.within(caller, id);
    return this.names.shown(caller, await this.logClient.look<RunView>('run', logOf(caller, id), id));
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/runs/:id/token',
    summary: 'The token of a live run: for its parent, once a person has approved it',
    roles: ['orchestrator'],
    runs: true,
    answer: grantedAnswer,
  })
  async token(
    @Ctx() { caller }: RequestContext,
    @Params(runId) { id }: RunId,
    @Body(completionBody) _body: z.infer<typeof completionBody>,
  ): Promise<unknown> {
    await this.branches.childOf(caller, id);
    const log = logOf(caller, id);
    const run = await this.logClient.look<RunView>('run', log, id);
    const grant =
      run.grantId === undefined ? undefined : await this.logClient.look<GrantView>('grant', log, run.grantId);
    if (grant?.status !== 'active')
      throw new Refused('GRANT_NOT_LIVE', `run ${id} has no live lease: it is ${grant?.status ?? run.status}`);
    const token = await this.mint.mint(caller, run, grant);
    return { run, grant, token, expiresAt: grant.limits.time.expiresAt, position: grant.position };
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/runs/:id/completion',
    summary: 'Report a run done: its lease ends, and every lease below it',
    roles: ['orchestrator'],
    runs: true,
    answer: z.object({ run: runView, position: z.number() }),
  })
  async complete(
    @Ctx() context: RequestContext,
    @Params(runId) { id }: RunId,
    @Body(completionBody) _body: z.infer<typeof completionBody>,
  ): Promise<unknown> {
    ownRun(context.caller, id);
    return this.logClient.command(context.command('completeRun', logOf(context.caller, id), { runId: id }));
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/runs/:id/escalations',
    summary: 'Ask a person for more than the run has',
    roles: ['orchestrator'],
    runs: true,
    answer: pendingAnswer,
    status: 202,
  })
  async escalate(
    @Ctx() context: RequestContext,
    @Params(runId) { id }: RunId,
    @Body(escalationBody) body: z.infer<typeof escalationBody>,
  ): Promise<unknown> {
    ownRun(context.caller, id);
    const command = context.command('escalate', logOf(context.caller, id), {
      runId: id,
      ...{ want: body.want, ask: body.ask, missing: body.missing },
      payload: payloadOf({ reason: body.reason }),
    });
    return this.logClient.command(command);
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/runs',
    summary: 'Runs, by any of their fields',
    roles: LIST_ROLES,
    answer: page,
  })
  list(@Ctx() context: RequestContext, @Query(runsQuery) query: SearchQuery): Promise<Reply> {
    return this.search.list(context, 'runs', query);
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/runs/:id/drift',
    summary: 'How far a run has moved from its purpose, and why',
    roles: LIST_ROLES,
    runs: true,
  })
  async drift(
    @Ctx() { caller }: RequestContext,
    @Params(runId) { id }: RunId,
    @Query(reportQuery) query: z.infer<typeof reportQuery>,
  ): Promise<unknown> {
    await this.branches.within(caller, id);
    return this.logClient.ledger('drift', { tenant: caller.tenant, runId: id, ...query }, REPORT_MS);
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/runs/:id/graph',
    summary:
      'What happened in a run and below it: runs, grants, actions and approvals, with control, delegation and data',
    roles: LIST_ROLES,
    runs: true,
    answer: runGraph,
  })
  async graph(
    @Ctx() { caller }: RequestContext,
    @Params(runId) { id }: RunId,
    @Query(reportQuery) query: z.infer<typeof reportQuery>,
  ): Promise<unknown> {
    await this.branches.within(caller, id);
    return this.logClient.ledger('graph', { tenant: caller.tenant, runId: id, ...query }, REPORT_MS);
  }
}
