import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { idOf, time } from '@bailiwick/contracts/primitives';
import type { ApprovalView } from '@bailiwick/contracts/queries/query';
import { envelope, type receiptPeriod } from '@bailiwick/contracts/receipts/receipt';
import { rfc3339 } from '@bailiwick/core/clock';
import type { Caller } from '../auth/caller';
import { maySeeNames, PersonNames } from '../auth/person-names';
import { Ctx, Endpoint, Params, Query } from '../http/endpoints/endpoint';
import type { RequestContext } from '../http/request-context';
import { wholeNumber } from '../http/whole-number';
import { Branches } from '../log-client/branches';
import { LogClient } from '../log-client/log-client';
import { logOf } from '../log-client/logs';
import { LIST_ROLES, minPosition } from '../search/queries';

const runId = z.strictObject({ id: idOf('run') });
const treeId = z.strictObject({ id: idOf('tree') });
const actionId = z.strictObject({ id: idOf('action') });
const approvalId = z.strictObject({ id: idOf('approval') });

/** A receipt that is too large for one response names its parts and the size of the tree; both select a part. */
const receiptQuery = z.strictObject({ minPosition, part: wholeNumber(0).optional(), size: wholeNumber(1).optional() });
type ReceiptQuery = z.infer<typeof receiptQuery>;

/** Of a run also for a half-open period [from, until) of it; the parts of such a receipt take the same period. */
const runReceiptQuery = receiptQuery
  .extend({ from: time.optional(), until: time.optional() })
  .refine(({ from, until }) => (from === undefined) === (until === undefined), {
    error:
      'one of `from` and `until` is missing: give both for the receipt of a period, or none for that of the entire run',
  })
  .refine(({ from, until }) => from === undefined || until === undefined || Date.parse(from) < Date.parse(until), {
    error: '`until` must be later than `from`: the period contains `from` and ends before `until`',
  });

/** Returns the period in the one spelling that receipts contain. */
const periodOf = ({ from, until }: z.infer<typeof runReceiptQuery>): { period?: z.infer<typeof receiptPeriod> } =>
  from === undefined || until === undefined
    ? {}
    : { period: { from: rfc3339(Date.parse(from)), until: rfc3339(Date.parse(until)) } };
const custodyQuery = z.strictObject({ minPosition });

/** The ledger reads every event of a large receipt once to name its parts. */
const RECEIPT_MS = 60_000;
const CUSTODY_MS = 20_000;

/** Signed accounts of runs, trees and actions. */
@Controller()
export class ReceiptsController {
  constructor(
    private readonly logClient: LogClient,
    private readonly branches: Branches,
    private readonly names: PersonNames,
  ) {}

  @Endpoint({
    method: 'GET',
    path: '/v1/runs/:id/receipt',
    summary: 'The signed account of a run, or of a period of it',
    roles: LIST_ROLES,
    runs: true,
  })
  async ofRun(
    @Ctx() { caller }: RequestContext,
    @Params(runId) { id }: z.infer<typeof runId>,
    @Query(runReceiptQuery) query: z.infer<typeof runReceiptQuery>,
  ): Promise<unknown> {
    await this.branches.within(caller, id);
    const { from: _, until: __, ...rest } = query;
    return this.receipt(caller, { runId: id, ...periodOf(query) }, rest);
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/trees/:id/receipt',
    summary: 'The signed account of all runs of a tree',
    roles: LIST_ROLES,
    answer: envelope,
  })
  async ofTree(
    @Ctx() { caller }: RequestContext,
    @Params(treeId) { id }: z.infer<typeof treeId>,
    @Query(receiptQuery) query: ReceiptQuery,
  ): Promise<unknown> {
    logOf(caller, id);
    return this.receipt(caller, { treeId: id }, query);
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/actions/:id/receipt',
    summary: 'The signed account of one action, with its custody',
    roles: LIST_ROLES,
    answer: envelope,
  })
  async ofAction(
    @Ctx() { caller }: RequestContext,
    @Params(actionId) { id }: z.infer<typeof actionId>,
    @Query(receiptQuery) query: ReceiptQuery,
  ): Promise<unknown> {
    logOf(caller, id);
    return this.receipt(caller, { actionId: id }, query);
  }

  /** A request about a call has the account of that call: who answered, to which card, and every use of the answer. */
  @Endpoint({
    method: 'GET',
    path: '/v1/approvals/:id/receipt',
    summary:
      'The signed account of a request for approval: of its call with each use, or of the run that asks for a lease',
    roles: LIST_ROLES,
    answer: envelope,
  })
  async ofApproval(
    @Ctx() { caller }: RequestContext,
    @Params(approvalId) { id }: z.infer<typeof approvalId>,
    @Query(receiptQuery) query: ReceiptQuery,
  ): Promise<unknown> {
    const { actionId: call, runId: run } = await this.logClient.look<ApprovalView>('approval', logOf(caller, id), id);
    return this.receipt(caller, call === undefined ? { runId: run } : { actionId: call }, query);
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/actions/:id/custody',
    summary: 'On whose authority an action was done, link by link',
    roles: ['analyst', 'approver', 'responder'],
  })
  async custody(
    @Ctx() { caller }: RequestContext,
    @Params(actionId) { id }: z.infer<typeof actionId>,
    @Query(custodyQuery) query: z.infer<typeof custodyQuery>,
  ): Promise<unknown> {
    logOf(caller, id);
    const body = { tenant: caller.tenant, actionId: id, ...query };
    return this.names.shown(caller, await this.logClient.ledger<object>('custody', body, CUSTODY_MS));
  }

  private async receipt(caller: Caller, of: Record<string, unknown>, query: ReceiptQuery): Promise<unknown> {
    await this.names.settled();
    const names = maySeeNames(caller) ? { names: true } : {};
    return this.logClient.ledger('receipt', { tenant: caller.tenant, ...of, ...query, ...names }, RECEIPT_MS);
  }
}
