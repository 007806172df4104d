import { Controller } from '@nestjs/common';
import { z } from 'zod';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import { approvalDecisionBody } from '@bailiwick/contracts/http/bodies';
import { shownNames } from '@bailiwick/contracts/people/person-names';
import { idOf, name } from '@bailiwick/contracts/primitives';
import { approvalStatus, approvalView, type ApprovalView } from '@bailiwick/contracts/queries/query';
import { SEARCHES } from '@bailiwick/contracts/queries/search';
import { logName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import type { Caller } from '../auth/caller';
import { actorIdOf, payloadOf, Pseudonyms } from '../auth/pseudonyms';
import { PersonNames } from '../auth/person-names';
import { TokenMint } from '../auth/token-mint';
import { Body, Ctx, Endpoint, Params, Query } from '../http/endpoints/endpoint';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { Branches } from '../log-client/branches';
import { LogClient } from '../log-client/log-client';
import { logOf } from '../log-client/logs';
import { policyMetrics } from '../reporting/metrics';
import { LedgerSearch } from '../search/ledger-search';
import { cursor, limit, minPosition } from '../search/queries';

const approvalId = z.strictObject({ id: idOf('approval') });
type ApprovalId = z.infer<typeof approvalId>;

const listQuery = SEARCHES.approvals.extend({
  status: approvalStatus.optional(),
  /** the person, or `key:…`, whose answer approves, alone or as one of several: of requests that wait, or approvals in force */
  answeredBy: name.optional(),
  cursor,
  limit,
  minPosition,
});
type ListQuery = z.infer<typeof listQuery>;

/** The parameters that the live state can answer; any other needs the read models. */
const LIVE_PARAMETERS: readonly string[] = ['status', 'answeredBy', 'limit', 'minPosition', 'cursor'];

/** Lists requests for approval and records decisions about them. */
@Controller()
export class ApprovalsController {
  constructor(
    private readonly logClient: LogClient,
    private readonly mint: TokenMint,
    private readonly search: LedgerSearch,
    private readonly pseudonyms: Pseudonyms,
    private readonly branches: Branches,
    private readonly names: PersonNames,
  ) {}

  @Endpoint({
    method: 'GET',
    path: '/v1/approvals',
    summary: 'Approvals that wait for a person, or the recorded ones',
    roles: ['approver', 'responder', 'analyst', 'orchestrator'],
    answer: z.object({ items: z.array(approvalView), next: z.string().nullable(), ...shownNames }),
  })
  async list(@Ctx() context: RequestContext, @Query(listQuery) query: ListQuery): Promise<unknown> {
    const { caller } = context;
    const { status, answeredBy } = query;
    const isAlone = Object.keys(query).every((key) => LIVE_PARAMETERS.includes(key));
    const isLive = isAlone && (status === 'pending' || (status === 'approved' && answeredBy !== undefined));
    if (!isLive && answeredBy !== undefined)
      throw new Refused(
        'BAD_REQUEST',
        'answeredBy: send it with status=pending or status=approved, and no other filter',
      );
    if (!isLive) return this.search.list(context, 'approvals', query);
    const found = await this.logClient.query<object>({
      op: 'approvals',
      log: logName(caller.tenant, 0),
      status,
      ...(answeredBy === undefined ? {} : { answeredBy: actorIdOf(this.pseudonyms, caller.tenant, answeredBy) }),
      limit: Math.min(query.limit ?? LIMITS.pendingPageMax, LIMITS.pendingPageMax),
      ...(query.cursor === undefined ? {} : { after: placeOf(query.cursor) }),
    });
    return this.names.shown(caller, found);
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/approvals/:id',
    summary: 'One approval, as a person reads it',
    roles: ['approver', 'responder', 'analyst', 'orchestrator', 'enforcer'],
    runs: true,
    answer: approvalView.extend(shownNames),
  })
  async get(@Ctx() { caller }: RequestContext, @Params(approvalId) { id }: ApprovalId): Promise<unknown> {
    const approval = await this.logClient.look<ApprovalView>('approval', logOf(caller, id), id);
    // an agent reads what became of its requests, with the reason of a denial
    await this.branches.within(caller, approval.runId);
    return caller.kind === 'run' ? withoutOthers(approval) : this.names.shown(caller, approval);
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/approvals/:id/decision',
    summary: 'A person approves, also with less than was asked for, or denies',
    roles: ['approver'],
    answer: z.object({
      approval: approvalView,
      run: z.unknown().optional(),
      grant: z.unknown().optional(),
      token: z.string().optional(),
      ...shownNames,
    }),
  })
  async decide(
    @Ctx() context: RequestContext,
    @Params(approvalId) { id }: ApprovalId,
    @Body(approvalDecisionBody) body: z.infer<typeof approvalDecisionBody>,
  ): Promise<unknown> {
    const { caller } = context;
    const command = context.command('decideApproval', logOf(caller, id), {
      approvalId: id,
      verdict: body.verdict,
      ...(body.grant === undefined ? {} : { grant: body.grant }),
      ...(body.scope === undefined ? {} : { scope: body.scope }),
      ...(body.breakGlass === undefined ? {} : { breakGlass: body.breakGlass }),
      actorRef: this.personRef(caller),
      payload: payloadOf({ note: body.note, by: caller.actor.id }),
    });
    const decided = await this.names.inRefusals(
      caller,
      this.logClient.command<{ approval?: ApprovalView; run?: RunView; grant?: GrantView }>(command),
    );
    if (decided.approval) policyMetrics.answered(decided.approval);
    const value = await this.names.shown(caller, decided);
    if (!value.run || !value.grant) return value;
    const token = await this.mint.mint(caller, value.run, value.grant);
    return { ...value, token, expiresAt: value.grant.limits.time.expiresAt };
  }

  /** Returns the ref under which a tree knows the caller as its principal: a person's id is a ref already. */
  private personRef(caller: Caller): string {
    const { tenant, actor } = caller;
    return caller.kind === 'key' && caller.person !== undefined
      ? actor.id
      : this.pseudonyms.ref(tenant, 'person', actor.id);
  }
}

/** Leaves out what a card states about other people and other requests. */
function withoutOthers(approval: ApprovalView): ApprovalView {
  const { approvers: _approvers, answers: _answers, refusedBefore: _refusedBefore, ...own } = approval;
  return own;
}

/** Reads where a page of pending approvals ended: its turn and its position. @throws Refused BAD_REQUEST */
function placeOf(text: string): { turn: number; position: number } {
  const [, turn, position] = /^([1-9]\d{0,5})\.(\d{1,15})$/.exec(text) ?? [];
  if (turn === undefined || position === undefined)
    throw new Refused('BAD_REQUEST', 'invalid cursor for pending approvals; send `next` of a page');
  return { turn: Number(turn), position: Number(position) };
}
