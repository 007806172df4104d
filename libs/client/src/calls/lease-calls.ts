import type { ActionAnswer, ActionRequest, OutcomeRequest } from '@bailiwick/contracts/actions/action';
import type { PointsAnswer } from '@bailiwick/contracts/enforcement/points';
import type { RevocationTarget } from '@bailiwick/contracts/events/event';
import type { Agent, GrantRequest, GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import type { ApprovalDecision, Narrowed, Renewed, SelectorBody } from '@bailiwick/contracts/http/bodies';
import type { ApprovalView, PreviewView, TreeView } from '@bailiwick/contracts/queries/query';
import type { Problem } from '@bailiwick/contracts/reason';
import { HttpCalls, type CallOptions } from '../http/http-calls';
import { applied, stating } from '../obligations';
import type { InForceAnswer, RevocationRecord } from '@bailiwick/contracts/revocations/record';
import type { Granted, Pending } from './answers';

/** Opens runs, delegates, decides and revokes. */
export class LeaseCalls extends HttpCalls {
  openRun(body: {
    agent: Agent;
    requestedBy: string;
    purpose: string;
    grant: GrantRequest;
    requireApproval?: boolean;
  }): Promise<Granted | Pending> {
    return this.post('/v1/runs', body);
  }
  /** Delegates at once. @throws Error if the lease has `delegation.ask`: use `askToDelegate` for it */
  async delegate(
    grantId: string,
    body: { agent: Agent; task: string; purpose?: string; grant: GrantRequest },
  ): Promise<Granted> {
    const answer = await this.askToDelegate(grantId, body);
    if ('approval' in answer) throw new Error(`a person must approve the child first: ${answer.approval.id}`);
    return answer;
  }
  /** Delegates, or requests an approval of the child if the lease has `delegation.ask`. */
  askToDelegate(
    grantId: string,
    body: { agent: Agent; task: string; purpose?: string; grant: GrantRequest },
  ): Promise<Granted | Pending> {
    return this.post(`/v1/grants/${grantId}/delegations`, body);
  }
  /** Returns the token of a child, for its parent or an orchestrator, once a person has approved it. */
  tokenOf(runId: string): Promise<Granted> {
    return this.post(`/v1/runs/${runId}/token`, {});
  }
  /**
   * Requests a decision. A permit with an obligation that `understands` does not name is returned as a denial with the
   * reason OBLIGATION_NOT_UNDERSTOOD, and its action is reported as failed, since it is not carried out.
   */
  async act(body: ActionRequest, options?: CallOptions): Promise<ActionAnswer> {
    const { understands } = this.options;
    const stated = stating(body, understands);
    return applied(await this.post('/v1/actions', stated, options), body.understands ?? understands, this);
  }
  /** Requests several decisions, each as `act` does. */
  async actAll(actions: readonly ActionRequest[]): Promise<{ answers: (ActionAnswer | { error: Problem })[] }> {
    const { understands } = this.options;
    const body = { actions: actions.map((each) => stating(each, understands)) };
    const { answers } = await this.post<{ answers: (ActionAnswer | { error: Problem })[] }>('/v1/actions:batch', body);
    const applications = answers.map(async (each, i) => applied(each, actions[i]?.understands ?? understands, this));
    return { answers: await Promise.all(applications) };
  }
  settle(
    actionId: string,
    outcome: OutcomeRequest,
    options?: CallOptions,
  ): Promise<{ action: { id: string; status: string }; position: number }> {
    return this.post(`/v1/actions/${actionId}/outcome`, outcome, options);
  }
  complete(runId: string): Promise<{ run: RunView; position: number }> {
    return this.post(`/v1/runs/${runId}/completion`, {});
  }
  escalate(runId: string, want: GrantRequest, reason: string): Promise<Pending> {
    return this.post(`/v1/runs/${runId}/escalations`, { want, reason });
  }
  /** Asks a person for a bundle that the manifest of the class lists. */
  askFor(runId: string, ask: string, reason: string): Promise<Pending> {
    return this.post(`/v1/runs/${runId}/escalations`, { ask, reason });
  }
  run(id: string): Promise<RunView> {
    return this.get(`/v1/runs/${id}`);
  }
  grant(id: string, options?: CallOptions): Promise<GrantView> {
    return this.get(`/v1/grants/${id}`, options);
  }
  tree(id: string, at?: string): Promise<TreeView> {
    return this.get(`/v1/trees/${id}${at === undefined ? '' : `?at=${encodeURIComponent(at)}`}`);
  }
  /** Returns one page; `cursor` is the `next` of the previous page. */
  pendingApprovals(page: { limit?: number; cursor?: string } = {}): Promise<{
    items: ApprovalView[];
    next: string | null;
  }> {
    const limit = page.limit === undefined ? '' : `&limit=${page.limit}`;
    const cursor = page.cursor === undefined ? '' : `&cursor=${encodeURIComponent(page.cursor)}`;
    return this.get(`/v1/approvals?status=pending${limit}${cursor}`);
  }
  approval(id: string, options?: CallOptions): Promise<ApprovalView> {
    return this.get(`/v1/approvals/${id}`, options);
  }
  decide(
    approvalId: string,
    verdict: 'approve' | 'deny',
    note?: string,
    /** approves with less than was asked for */
    grant?: GrantRequest,
    /** for a call: what the approval covers; and whether one person approves alone in an emergency */
    how: Pick<ApprovalDecision, 'scope' | 'breakGlass'> = {},
  ): Promise<{ approval: ApprovalView; run?: RunView; grant?: GrantView; token?: string }> {
    return this.post(`/v1/approvals/${approvalId}/decision`, {
      verdict,
      ...(note === undefined ? {} : { note }),
      ...(grant === undefined ? {} : { grant }),
      ...how,
    });
  }
  /** Renews a live lease for one more length of it. The answer has the new token. */
  renew(grantId: string): Promise<Renewed> {
    return this.post(`/v1/grants/${grantId}/renewal`, {});
  }

  /** Tightens a live lease. Limits that are left out stay. */
  narrow(grantId: string, grant: GrantRequest, reason: string): Promise<Narrowed> {
    return this.post(`/v1/grants/${grantId}/narrowing`, { grant, reason });
  }

  revoke(grantId: string, reason: string): Promise<{ revocationId: string; positions: Record<string, number> }> {
    return this.post(`/v1/grants/${grantId}/revocation`, { reason, subtree: true });
  }
  suspend(grantId: string, reason: string): Promise<{ grant: GrantView; position: number }> {
    return this.post(`/v1/grants/${grantId}/suspension`, { reason });
  }
  resume(grantId: string, reason: string): Promise<{ grant: GrantView }> {
    return this.post(`/v1/grants/${grantId}/resumption`, { reason });
  }
  /** @param target if the selector names a tool: deny it (the default), or end the leases that could use it */
  previewRevocation(selector: SelectorBody, quarantine?: boolean, target?: RevocationTarget): Promise<PreviewView> {
    return this.post('/v1/revocations/preview', {
      selector,
      ...(quarantine === undefined ? {} : { quarantine }),
      ...(target === undefined ? {} : { target }),
    });
  }
  revokeAll(body: {
    selector: SelectorBody;
    reason: string;
    digest?: string;
    force?: boolean;
    quarantine?: boolean;
    target?: RevocationTarget;
    incident?: string;
    /** `suspend`: until it is resumed, or until a time (RFC 3339) */
    mode?: 'revoke' | 'suspend';
    until?: string;
  }): Promise<{ revocationId: string; positions: Record<string, number> }> {
    return this.post('/v1/revocations', body);
  }
  /** Ends a suspension by selector. A lease that another suspension holds, too, stays suspended. */
  resumeAll(
    revocationId: string,
    reason: string,
  ): Promise<{ revocationId: string; positions: Record<string, number> }> {
    return this.post(`/v1/revocations/${revocationId}/resumption`, { reason });
  }
  /** Lists the suspensions by selector and the quarantines that apply now, newest first. */
  revocationsInForce(before?: number): Promise<InForceAnswer> {
    return this.get(`/v1/revocations${before === undefined ? '' : `?before=${before}`}`);
  }
  /** Lifts a quarantine: new leases that match are issued again, and revoked ones stay revoked. */
  liftQuarantine(revocationId: string): Promise<{ revocationId: string; positions: Record<string, number> }> {
    return this.delete(`/v1/quarantines/${revocationId}`);
  }
  /** Returns a page of what a revocation stopped: the first, or the one after the `next` of another. */
  revocation(id: string, after?: string): Promise<RevocationRecord> {
    return this.get(`/v1/revocations/${id}${after === undefined ? '' : `?after=${encodeURIComponent(after)}`}`);
  }
  /**
   * Returns what enforces a log. With a position: how far each point is with it, as soon as all of them enforce it, and after
   * `waitMs` at the latest.
   */
  enforcementPoints(
    query: { log?: string; position?: number; revocation?: string; waitMs?: number } = {},
  ): Promise<PointsAnswer> {
    const stated = Object.entries(query).map(([name, value]) => [name, String(value)]);
    const text = new URLSearchParams(stated as [string, string][]).toString();
    return this.get(`/v1/enforcement-points${text === '' ? '' : `?${text}`}`);
  }
}
