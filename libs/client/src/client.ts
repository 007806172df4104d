import type { ActionAnswer, ActionRequest, OutcomeRequest } from '@bailiwick/contracts/actions/action';
import type { Agent, GrantRequest, GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import type { TenantBudgetSet, TenantBudgetView } from '@bailiwick/contracts/budgets/tenant-budget';
import type {
  PolicyAnswer,
  PolicyCheckAnswer,
  PolicyDeployedAnswer,
  PolicyVersionsAnswer,
} from '@bailiwick/contracts/policy/deployment';
import type { PolicyDiffAnswer, PolicyDiffBody } from '@bailiwick/contracts/policy/policy-diff';
import type { PolicySignals } from '@bailiwick/contracts/policy/policy-signals';
import type { RevocationTarget } from '@bailiwick/contracts/events/event';
import type { ApprovalDecision, Narrowed, Renewed, TenantBudgetBody } from '@bailiwick/contracts/http/bodies';
import type {
  ApprovalView,
  ErasurePreviewAnswer,
  PreviewView,
  TreeView,
  UnreadableView,
} from '@bailiwick/contracts/queries/query';
import type { Problem, Reason } from '@bailiwick/contracts/reason';
import type { ReplayAnswer, ReplayProgress, ReplayRequest } from '@bailiwick/contracts/replay/replay';
import { linesOf } from './lines';
import { applied, stating, type Understands } from './obligations';

/** A response with a status other than 2xx, with the problem that the service reported (RFC 9457). */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly reasons: Reason[] = [],
    readonly body: Record<string, unknown> = {},
  ) {
    super(detail);
    this.name = 'ProblemError';
  }
}

export interface Granted {
  run: RunView;
  grant: GrantView;
  token: string;
  expiresAt: string;
  position: number;
}
export interface Pending {
  run: RunView;
  approval: ApprovalView;
}
export interface EventItem {
  log: string;
  position: number;
  id: string;
  type: string;
  time: string;
  treeId?: string;
  runId?: string;
  grantId?: string;
  actionId?: string;
  actor: { kind: string; id: string };
  data: Record<string, unknown>;
}

export interface Erased {
  erasure: { subjectRef: string; before: number; runs: number; payloads: number; name?: true | undefined };
  position: number;
  /** false: the erasure continues; repeat the call with the same key to learn when it is done */
  done: boolean;
}

/** A half-open period, as RFC 3339 times. */
export interface ReceiptPeriod {
  readonly from: string;
  readonly until: string;
}
export interface ClientOptions {
  readonly url: string;
  /** an API key, or a run's grant token */
  readonly key: string;
  /** number of retries while the service is not ready or busy; all with the same Idempotency-Key */
  readonly retries?: number;
  /** the obligations that the caller applies; a permit with any other is a denial */
  readonly understands?: Understands;
}

interface CallOptions {
  readonly body?: unknown;
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

/**
 * A client for orchestrators, enforcement points and operators: one method per call of the contract. Each call that
 * changes something has a separate Idempotency-Key, so that a retry returns the original response and is not charged.
 */
export class BailiwickClient {
  constructor(private readonly options: ClientOptions) {}

  /** Returns a client of the same service with another key. */
  as(key: string): BailiwickClient {
    return new BailiwickClient({ ...this.options, key });
  }

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
  async act(body: ActionRequest): Promise<ActionAnswer> {
    const { understands } = this.options;
    return applied(await this.post('/v1/actions', stating(body, understands)), understands, this);
  }
  /** Requests several decisions, each as `act` does. */
  async actAll(actions: readonly ActionRequest[]): Promise<{ answers: (ActionAnswer | { error: Problem })[] }> {
    const { understands } = this.options;
    const body = { actions: actions.map((each) => stating(each, understands)) };
    const { answers } = await this.post<{ answers: (ActionAnswer | { error: Problem })[] }>('/v1/actions:batch', body);
    return { answers: await Promise.all(answers.map(async (each) => applied(each, understands, this))) };
  }
  settle(
    actionId: string,
    outcome: OutcomeRequest,
  ): Promise<{ action: { id: string; status: string }; position: number }> {
    return this.post(`/v1/actions/${actionId}/outcome`, outcome);
  }
  complete(runId: string): Promise<{ run: RunView; position: number }> {
    return this.post(`/v1/runs/${runId}/completion`, {});
  }
  escalate(runId: string, want: GrantRequest, reason: string): Promise<Pending> {
    return this.post(`/v1/runs/${runId}/escalations`, { want, reason });
  }
  run(id: string): Promise<RunView> {
    return this.get(`/v1/runs/${id}`);
  }
  grant(id: string): Promise<GrantView> {
    return this.get(`/v1/grants/${id}`);
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
  approval(id: string): Promise<ApprovalView> {
    return this.get(`/v1/approvals/${id}`);
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
  resume(grantId: string, reason: string): Promise<{ grant: GrantView }> {
    return this.post(`/v1/grants/${grantId}/resumption`, { reason });
  }
  /** @param target if the selector names a tool: deny it (the default), or end the leases that could use it */
  previewRevocation(
    selector: Record<string, string>,
    quarantine?: boolean,
    target?: RevocationTarget,
  ): Promise<PreviewView> {
    return this.post('/v1/revocations/preview', {
      selector,
      ...(quarantine === undefined ? {} : { quarantine }),
      ...(target === undefined ? {} : { target }),
    });
  }
  revokeAll(body: {
    selector: Record<string, string>;
    reason: string;
    digest?: string;
    force?: boolean;
    quarantine?: boolean;
    target?: RevocationTarget;
  }): Promise<{ revocationId: string; positions: Record<string, number> }> {
    return this.post('/v1/revocations', body);
  }
  /** Sets caps that all matching runs draw from together. A changed budget keeps its usage. */
  setBudget(name: string, body: TenantBudgetBody): Promise<TenantBudgetSet> {
    return this.put(`/v1/budgets/${encodeURIComponent(name)}`, body);
  }
  budgets(): Promise<{ items: TenantBudgetView[] }> {
    return this.get('/v1/budgets');
  }
  budget(name: string): Promise<TenantBudgetView> {
    return this.get(`/v1/budgets/${encodeURIComponent(name)}`);
  }
  removeBudget(name: string): Promise<{ removed: string; position: number }> {
    return this.delete(`/v1/budgets/${encodeURIComponent(name)}`);
  }
  /**
   * Checks a bundle, the texts of YAML files by their names, and deploys it in place of the version in force.
   * @param shadowUntil RFC 3339: only compares it until then
   */
  deployPolicy(bundle: Files, replaces: number, shadowUntil?: string): Promise<PolicyDeployedAnswer> {
    const mode = shadowUntil === undefined ? undefined : 'shadow';
    return this.post('/v1/policies', { bundle, replaces, mode, until: shadowUntil });
  }
  /** Lists the deployed policies, newest first. @param cursor `next` of the previous page */
  policies(cursor?: string): Promise<PolicyVersionsAnswer> {
    return this.get(`/v1/policies${queryOf({ cursor })}`);
  }
  /** Returns a version of the policy with its bundle. @param version 0: of the release; left out: the one in force */
  policy(version?: number): Promise<PolicyAnswer> {
    return this.get(`/v1/policies/${version ?? 'current'}`);
  }
  /** Returns the problems of a bundle, and deploys nothing. */
  checkPolicy(bundle: Files): Promise<PolicyCheckAnswer> {
    return this.post('/v1/policies/check', { bundle });
  }
  /** Compares a bundle with a deployed policy and with the last decisions. It may take a minute. */
  diffPolicy(request: PolicyDiffBody, progress?: (progress: ReplayProgress) => void): Promise<PolicyDiffAnswer> {
    return this.computed('/v1/policies/diff', request, progress);
  }
  /** Returns what answers and denials suggest. @param since RFC 3339; left out: the last seven days */
  policySignals(since?: string, log?: string): Promise<PolicySignals> {
    return this.get(`/v1/policies/signals${queryOf({ since, log })}`);
  }
  previewErasure(subject: string): Promise<ErasurePreviewAnswer> {
    return this.post('/v1/erasures/preview', { subject });
  }
  erase(
    subject: string,
    reason?: string,
    idempotencyKey: string = crypto.randomUUID(),
    earlierReasons = false,
  ): Promise<Erased> {
    const body = {
      subject,
      ...(reason === undefined ? {} : { reason }),
      ...(earlierReasons ? { earlierReasons } : {}),
    };
    return this.call('POST', '/v1/erasures', { body, idempotencyKey }) as Promise<Erased>;
  }
  unreadable(log?: string): Promise<UnreadableView> {
    return this.get(`/v1/log/unreadable${log === undefined ? '' : `?log=${encodeURIComponent(log)}`}`);
  }
  setAside(event: {
    log?: string;
    position: number;
    bodyDigest: string;
    reason?: string;
  }): Promise<{ position: number }> {
    return this.post('/v1/log/repairs', event);
  }
  events(query: Record<string, string | number>): Promise<{ items: EventItem[]; next: string | null; asOf?: unknown }> {
    return this.get(`/v1/events${queryOf(query)}`);
  }
  /** @param period of the run, `until` exclusive; the entire run if absent */
  receipt(runId: string, minPosition?: number, period?: ReceiptPeriod): Promise<unknown> {
    return this.get(`/v1/runs/${runId}/receipt${queryOf({ minPosition, ...period })}`);
  }
  treeReceipt(treeId: string, minPosition?: number): Promise<unknown> {
    return this.get(`/v1/trees/${treeId}/receipt${queryOf({ minPosition })}`);
  }
  actionReceipt(actionId: string, minPosition?: number): Promise<unknown> {
    return this.get(`/v1/actions/${actionId}/receipt${queryOf({ minPosition })}`);
  }
  /**
   * Returns one part of a receipt that is in parts.
   * @param size of the tree, as the receipt states it
   * @param period as the receipt states it, if it does
   */
  receiptPart(
    of: 'runs' | 'trees' | 'actions',
    id: string,
    part: number,
    size: number,
    period?: ReceiptPeriod,
  ): Promise<unknown> {
    return this.get(`/v1/${of}/${id}/receipt${queryOf({ part, size, ...period })}`);
  }
  custody(actionId: string): Promise<unknown> {
    return this.get(`/v1/actions/${actionId}/custody`);
  }
  drift(runId: string): Promise<unknown> {
    return this.get(`/v1/runs/${runId}/drift`);
  }
  /**
   * What-if: decides recorded requests again under a change. It may take a minute.
   * @param progress called about once a second with the progress
   */
  replay(
    request: ReplayRequest,
    progress?: (progress: ReplayProgress) => void,
    signal?: AbortSignal,
  ): Promise<ReplayAnswer> {
    return this.computed('/v1/replays', request, progress, signal);
  }
  /** Requests what is computed over recorded events. @throws ProblemError */
  private async computed<Answer>(
    path: string,
    request: object,
    progress?: (progress: ReplayProgress) => void,
    signal?: AbortSignal,
  ): Promise<Answer> {
    const response = await fetch(this.options.url + path, {
      method: 'POST',
      headers: { ...this.bearer, 'content-type': 'application/json', accept: 'application/x-ndjson' },
      body: JSON.stringify(request),
      signal: signal ?? null,
    });
    if (!response.ok) throw problemOf(response.status, await response.text());
    return answerIn<Answer, ReplayProgress>(response, progress);
  }
  /** Rebuilds a log from its events and compares it with the stored and live state. It may take minutes. */
  async verification<T>(log: string): Promise<T> {
    const path = `/v1/log/verification?log=${encodeURIComponent(log)}`;
    return answerIn<T, object>(await this.fetchWithRetries('GET', path, 'application/x-ndjson'));
  }
  /**
   * Returns every key that has signed for a log, one per line: signatures from before a change of keys need the old
   * one.
   */
  async verifierKeys(log: string): Promise<string> {
    const { items, current } = await this.get<{ items: { vkey: string }[]; current: string }>(`/log/${log}/vkeys`);
    return [...new Set([...items.map(({ vkey }) => vkey), current])].map((vkey) => `${vkey}\n`).join('');
  }
  verifierKey(log: string): Promise<string> {
    return this.call('GET', `/log/${log}/vkey`) as Promise<string>;
  }

  get<T>(path: string): Promise<T> {
    return this.call('GET', path) as Promise<T>;
  }
  post<T>(path: string, body: unknown): Promise<T> {
    return this.call('POST', path, { body, idempotencyKey: crypto.randomUUID() }) as Promise<T>;
  }

  put<T>(path: string, body: unknown): Promise<T> {
    return this.call('PUT', path, { body, idempotencyKey: crypto.randomUUID() }) as Promise<T>;
  }
  delete<T>(path: string): Promise<T> {
    return this.call('DELETE', path, { idempotencyKey: crypto.randomUUID() }) as Promise<T>;
  }

  private get bearer(): { authorization: string } {
    return { authorization: `Bearer ${this.options.key}` };
  }

  /** Returns the raw response, for streams. */
  raw(path: string, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
    return fetch(this.options.url + path, {
      headers: { authorization: `Bearer ${this.options.key}`, ...headers },
      ...(signal ? { signal } : {}),
    });
  }

  private async call(method: string, path: string, options: CallOptions = {}): Promise<unknown> {
    const response = await this.fetchWithRetries(method, path, 'application/json, text/plain', options);
    const text = await response.text();
    return response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text;
  }

  /** @throws ProblemError if the request is refused, and so are its retries */
  private async fetchWithRetries(
    method: string,
    path: string,
    accept: string,
    { body, idempotencyKey, signal }: CallOptions = {},
  ): Promise<Response> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.options.key}`, accept };
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey;
    for (let tries = this.options.retries ?? 5; ; tries--) {
      const response = await fetch(this.options.url + path, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal ? { signal } : {}),
      });
      if (response.ok) return response;
      const text = await response.text();
      const retryable = response.status === 503 || response.status === 429;
      if (!retryable || tries <= 0) throw problemOf(response.status, text);
      const wait = Number(response.headers.get('retry-after') ?? '1');
      await new Promise((resolve) => setTimeout(resolve, Math.min(Math.max(wait, 0.1), 5) * 1_000));
    }
  }
}

/** Returns the answer that ends a stream of progress as lines of JSON. @throws ProblemError */
async function answerIn<Answer, Progress>(
  { body }: Response,
  progress: (progress: Progress) => void = () => undefined,
): Promise<Answer> {
  for await (const line of body ? linesOf(body) : []) {
    const message = JSON.parse(line) as { progress?: Progress; answer?: Answer; problem?: Problem };
    if (message.progress) progress(message.progress);
    if (message.answer) return message.answer;
    if (message.problem) throw problemOf(message.problem.status, JSON.stringify(message.problem));
  }
  throw new ProblemError(503, 'NOT_READY', 'the service ended its response without an answer; try again');
}

type Files = Readonly<Record<string, string>>;

/** Formats the query of a URL with its question mark; empty if every value is undefined. */
function queryOf(query: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}

function problemOf(status: number, text: string): ProblemError {
  try {
    const body = JSON.parse(text) as Problem & Record<string, unknown>;
    return new ProblemError(status, body.code ?? 'INTERNAL', body.detail ?? text, body.reasons ?? [], body);
  } catch {
    return new ProblemError(status, 'INTERNAL', text.slice(0, 500));
  }
}
