import { Injectable, Inject } from '@nestjs/common';
import type { GrantView } from '@bailiwick/contracts/grants/grant';
import type { AccessRequestBody, TaskAnswer } from '@bailiwick/contracts/http/access-requests';
import type { ApprovalView } from '@bailiwick/contracts/queries/query';
import { canonicalDigest, sha256hex } from '@bailiwick/core/digest';
import type { Caller } from '../../auth/caller';
import { payloadOf } from '../../auth/pseudonyms';
import { CONFIG, type GatewayConfig } from '../../config';
import { Refused } from '../../http/problems/problem';
import type { RequestContext } from '../../http/request-context';
import { LogClient } from '../../log-client/log-client';
import { logOf, ownRun } from '../../log-client/logs';
import { requestEndpoint } from '../metadata';
import { DenialBindings } from './denial-bindings';
import { taskOf } from './tasks';

/** How often a lease is raised while one request waits, at most; with more, a request that waits is shown as waiting. */
const RAISES = 16;

/**
 * Requests for access, after a denial that a person may lift. The approval exists since the step-up; a request refers to
 * it, and its task shows what became of it.
 * @see AuthZEN Access Request and Approval Profile
 */
@Injectable()
export class AccessRequests {
  constructor(
    private readonly logClient: LogClient,
    private readonly bindings: DenialBindings,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  /**
   * Records a request, and returns its task.
   * @throws Refused DENIAL_NOT_BOUND, DENIAL_EXPIRED, NOT_REQUESTABLE, FORBIDDEN, IDEMPOTENCY_KEY_REUSED
   */
  async submit(context: RequestContext, body: AccessRequestBody): Promise<TaskAnswer> {
    const { caller } = context;
    const { binding_token, expires_at, evaluation_id } = body.denial ?? {};
    if (binding_token === undefined || expires_at === undefined)
      throw new Refused('DENIAL_NOT_BOUND', 'send denial.binding_token and denial.expires_at of the denied evaluation');
    const denial = await this.bindings.read(this.endpoint, caller.tenant, body, {
      ...{ binding_token, expires_at, evaluation_id },
    });
    const approval = await this.approvalOf(caller, denial.approvalId, 'NOT_REQUESTABLE');
    ownRun(caller, approval.runId);
    checkActor(caller, approval, body.client?.actor);
    if (body.callback) await this.callBack(caller, approval.id, body.callback);
    await this.logClient.command(this.commandFor(context, approval.id, body));
    // people may have decided before there was a callback: the response then shows it, since no notification will
    return this.task(caller, body.callback ? await this.own(caller, approval.id) : approval);
  }

  /** Reads a task. @throws Refused NOT_FOUND for one that does not exist, or that the caller may not read */
  async read(caller: Caller, id: string): Promise<TaskAnswer> {
    return this.task(caller, await this.own(caller, id));
  }

  /**
   * Withdraws a request that waits for people, and returns its task.
   * @throws Refused NOT_FOUND as `read` does; ALREADY_DECIDED if it does not wait any more
   */
  async withdraw(context: RequestContext, id: string): Promise<TaskAnswer> {
    const { caller } = context;
    const { id: approvalId } = await this.own(caller, id);
    await this.logClient.command(context.command('withdrawRequest', logOf(caller, approvalId), { approvalId }));
    return this.read(caller, approvalId);
  }

  /**
   * Has a registered webhook notified of the end of a request: no other address is, whatever it resolves to.
   * @throws Refused FORBIDDEN
   * @see AuthZEN Callback Notifications Profile, Callback Completion
   */
  private async callBack(
    { tenant }: Caller,
    approval: string,
    { endpoint, state, events }: NonNullable<AccessRequestBody['callback']>,
  ): Promise<void> {
    const callback = {
      endpoint,
      ...(state === undefined ? {} : { state }),
      ...(events === undefined ? {} : { events }),
    };
    const statusEndpoint = `${this.endpoint}/${approval}`;
    await this.logClient.admin('webhook-callback', { tenant, approval, statusEndpoint, callback });
  }

  private async own(caller: Caller, id: string): Promise<ApprovalView> {
    const approval = await this.approvalOf(caller, id, 'NOT_FOUND');
    if (caller.kind === 'run' && caller.runId !== approval.runId) throw unknownTask(id);
    return approval;
  }

  private get endpoint(): string {
    return requestEndpoint(this.config.publicUrl);
  }

  private async approvalOf(caller: Caller, id: string, code: 'NOT_FOUND' | 'NOT_REQUESTABLE'): Promise<ApprovalView> {
    try {
      const approval = await this.logClient.look<ApprovalView>('approval', logOf(caller, id), id);
      if (approval.kind === 'action') return approval;
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== 'NOT_FOUND') throw error;
    }
    throw code === 'NOT_FOUND'
      ? unknownTask(id)
      : new Refused('NOT_REQUESTABLE', 'no person is asked about this call any more; evaluate again');
  }

  /** Without an Idempotency-Key, the approval is the key: a repeated request is recorded once a day. */
  private commandFor(
    context: RequestContext,
    approvalId: string,
    body: AccessRequestBody,
  ): Parameters<LogClient['command']>[0] {
    const { caller } = context;
    const command = context.command('requestAccess', logOf(caller, approvalId), {
      approvalId,
      payload: payloadOf({ reason: body.context?.business_justification, by: caller.actor.id }),
    });
    if (command.requestDigest !== undefined) return command;
    const id = sha256hex(`${caller.tenant}\n${caller.actor.id}\nrequestAccess\n${approvalId}`).slice(0, 52);
    return { ...command, commandId: `idk_${id}`, requestDigest: canonicalDigest({ approvalId }) };
  }

  private async task(caller: Caller, approval: ApprovalView): Promise<TaskAnswer> {
    const grantId = approval.grantId ?? '';
    const look = (id: string) => this.logClient.look<GrantView>('grant', logOf(caller, id), id);
    let lease = await look(grantId);
    if (approval.status === 'pending')
      for (let raised = 0; lease.supersededBy !== undefined && raised < RAISES; raised++)
        lease = await look(lease.supersededBy);
    return taskOf(approval, this.endpoint, lease);
  }
}

/** Only an actor that the credential and the log prove is accepted: the caller itself, or the run that asks. */
function checkActor(
  { actor }: Caller,
  { runId }: ApprovalView,
  claimed: NonNullable<AccessRequestBody['client']>['actor'],
): void {
  if (claimed === undefined) return;
  if (claimed.act !== undefined || (claimed.id !== actor.id && claimed.id !== runId))
    throw new Refused('FORBIDDEN', 'client.actor is neither the caller nor the run that asks; leave it out');
}

const unknownTask = (id: string): Refused => new Refused('NOT_FOUND', `${id.slice(0, 80)} not found.`);
