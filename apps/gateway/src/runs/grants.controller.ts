import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { grantView, type GrantView } from '@bailiwick/contracts/grants/grant';
import { delegationBody, grantedAnswer, pendingAnswer } from '@bailiwick/contracts/http/bodies';
import { shownNames } from '@bailiwick/contracts/people/person-names';
import { idOf } from '@bailiwick/contracts/primitives';
import { treeView, type TreeView } from '@bailiwick/contracts/queries/query';
import { LIMITS } from '@bailiwick/core/limits';
import { ownBranch } from '../auth/own-branch';
import { PersonNames } from '../auth/person-names';
import { TokenMint } from '../auth/token-mint';
import { Body, Ctx, Endpoint, Params, Query } from '../http/endpoints/endpoint';
import type { Reply } from '../http/responses/http-response';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { Branches } from '../log-client/branches';
import { LogClient } from '../log-client/log-client';
import { logOf } from '../log-client/logs';
import { LedgerSearch } from '../search/ledger-search';
import { grantsQuery, LIST_ROLES, page, type Query as SearchQuery } from '../search/queries';
import { issuedReply } from './issued';
import { LeaseRequests } from './lease-requests';

const grantId = z.strictObject({ id: idOf('grant') });
type GrantId = z.infer<typeof grantId>;
const treeId = z.strictObject({ id: idOf('tree') });
const treeQuery = z.strictObject({ at: z.string().max(40).optional() });

/** Grants, their delegation, and the trees that they form. */
@Controller()
export class GrantsController {
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
    path: '/v1/grants/:id/delegations',
    summary: 'Make a child run with a narrower grant, or ask a person for it',
    roles: ['orchestrator'],
    runs: true,
    answer: grantedAnswer,
    status: 201,
    also: { 202: { when: 'A person must approve first', answer: pendingAnswer } },
  })
  async delegate(
    @Ctx() context: RequestContext,
    @Params(grantId) { id }: GrantId,
    @Body(delegationBody) body: z.infer<typeof delegationBody>,
  ): Promise<Reply> {
    return issuedReply(this.mint, context.caller, await this.leases.delegate(context, id, body));
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/grants/:id',
    summary: 'The current state of a grant',
    roles: ['orchestrator', 'enforcer', 'approver', 'responder', 'analyst'],
    runs: true,
    answer: grantView.extend(shownNames),
  })
  async get(@Ctx() { caller }: RequestContext, @Params(grantId) { id }: GrantId): Promise<unknown> {
    await this.branches.within(caller, id);
    return this.names.shown(caller, await this.logClient.look<GrantView>('grant', logOf(caller, id), id));
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/grants',
    summary: 'Grants, by any of their fields',
    roles: LIST_ROLES,
    answer: page,
  })
  list(@Ctx() context: RequestContext, @Query(grantsQuery) query: SearchQuery): Promise<Reply> {
    return this.search.list(context, 'grants', query);
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/trees/:id',
    summary: 'A grant tree now, or at a position or time; with a grant token, the own branch of it',
    roles: ['orchestrator', 'approver', 'responder', 'analyst'],
    runs: true,
    answer: treeView.extend(shownNames),
  })
  async tree(
    @Ctx() { caller }: RequestContext,
    @Params(treeId) { id }: z.infer<typeof treeId>,
    @Query(treeQuery) { at }: z.infer<typeof treeQuery>,
  ): Promise<TreeView> {
    const log = logOf(caller, id);
    const tree =
      at === undefined
        ? await this.logClient.look<TreeView>('tree', log, id)
        : await this.logClient.ledger<TreeView>('tree-at', { tenant: caller.tenant, treeId: id, at }, LIMITS.verifyMs);
    if (caller.kind !== 'run') return this.names.shown(caller, tree);
    if (!tree.runs.some((run) => run.id === caller.runId))
      throw new Refused('FORBIDDEN', 'a grant token may only read its own tree');
    return ownBranch(tree, caller.runId);
  }
}
