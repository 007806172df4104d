import type { ActionAnswer, ActionRequest, OutcomeRequest } from '@bailiwick/contracts/action';
import type { Agent, GrantRequest, GrantView, RunView } from '@bailiwick/contracts/grant';
import type { RevocationTarget } from '@bailiwick/contracts/event';
import type { ApprovalView, ErasurePreview, PreviewView, TreeView, UnreadableView } from '@bailiwick/contracts/query';
import type { Problem, Reason } from '@bailiwick/contracts/reason';
import type { ReplayAnswer, ReplayProgress, ReplayRequest } from '@bailiwick/contracts/replay';

/** An answer other than 2xx, as the service told it (RFC 9457). */
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
  erasure: { subjectRef: string; before: number; runs: number; payloads: number };
  position: number;
  /** false: it goes on; the same call with the same key says when it is done */
  done: boolean;
}

export interface ClientOptions {
  readonly url: string;
  /** an API key, or a run's grant token */
  readonly key: string;
  /** how often a call is tried again when the service is not ready or busy; with the same Idempotency-Key each time */
  readonly retries?: number;
}

interface CallOptions {
  readonly body?: unknown;
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

/**
 * For orchestrators, enforcement points and operators: one method per call of the contract. Mutating calls carry an
 * Idempotency-Key of their own, so that a retry is answered as the first try was and charges nothing.
 */
export class BailiwickClient {
  constructor(private readonly options: ClientOptions) {}

  /** The same service, spoken to as someone else. */
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
  delegate(
    grantId: string,
    body: { agent: Agent; task: string; purpose?: string; grant: GrantRequest },
  ): Promise<Granted> {
    return this.post(`/v1/grants/${grantId}/delegations`, body);
  }
  act(body: ActionRequest): Promise<ActionAnswer> {
    return this.post('/v1/actions', body);
  }
  actAll(actions: readonly ActionRequest[]): Promise<{ answers: (ActionAnswer | { error: Problem })[] }> {
    return this.post('/v1/actions:batch', { actions });
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
  /** One page; `cursor` is the `next` of the page before. */
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
  ): Promise<{ approval: ApprovalView; run?: RunView; grant?: GrantView; token?: string }> {
    return this.post(`/v1/approvals/${approvalId}/decision`, note === undefined ? { verdict } : { verdict, note });
  }
  revoke(grantId: string, reason: string): Promise<{ revocationId: string; positions: Record<string, number> }> {
    return this.post(`/v1/grants/${grantId}/revocation`, { reason, subtree: true });
  }
  resume(grantId: string, reason: string): Promise<{ grant: GrantView }> {
    return this.post(`/v1/grants/${grantId}/resumption`, { reason });
  }
  /** @param target where the selector names a tool: deny it (the default), or end the leases that could use it */
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
  previewErasure(subject: string): Promise<ErasurePreview> {
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
    return this.get(
      `/v1/events?${new URLSearchParams(Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)]))).toString()}`,
    );
  }
  receipt(runId: string, minPosition?: number): Promise<unknown> {
    return this.get(`/v1/runs/${runId}/receipt${minPosition === undefined ? '' : `?minPosition=${minPosition}`}`);
  }
  treeReceipt(treeId: string, minPosition?: number): Promise<unknown> {
    return this.get(`/v1/trees/${treeId}/receipt${minPosition === undefined ? '' : `?minPosition=${minPosition}`}`);
  }
  actionReceipt(actionId: string, minPosition?: number): Promise<unknown> {
    return this.get(`/v1/actions/${actionId}/receipt${minPosition === undefined ? '' : `?minPosition=${minPosition}`}`);
  }
  /** One part of a receipt that is in parts. @param size of the tree, as the receipt states it */
  receiptPart(of: 'runs' | 'trees' | 'actions', id: string, part: number, size: number): Promise<unknown> {
    return this.get(`/v1/${of}/${id}/receipt?part=${part}&size=${size}`);
  }
  custody(actionId: string): Promise<unknown> {
    return this.get(`/v1/actions/${actionId}/custody`);
  }
  drift(runId: string): Promise<unknown> {
    return this.get(`/v1/runs/${runId}/drift`);
  }
  /**
   * What if: decides what is recorded again under a change. It may take a minute.
   * @param progress is told every second or so how far it is
   */
  async replay(
    request: ReplayRequest,
    progress: (told: ReplayProgress) => void = () => undefined,
    signal?: AbortSignal,
  ): Promise<ReplayAnswer> {
    const response = await fetch(`${this.options.url}/v1/replays`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${this.options.key}`,
        'content-type': 'application/json',
        accept: 'application/x-ndjson',
      },
      body: JSON.stringify(request),
      ...(signal ? { signal } : {}),
    });
    if (!response.ok) throw problemOf(response.status, await response.text());
    return answerIn<ReplayAnswer, ReplayProgress>(response, progress);
  }
  /** A log made again from its events, and compared with what the system says of it. It may take minutes. */
  async verification<T>(log: string): Promise<T> {
    const path = `/v1/log/verification?log=${encodeURIComponent(log)}`;
    return answerIn<T, object>(await this.told('GET', path, 'application/x-ndjson'));
  }
  /** Every key that has signed for a log, a line each: what was signed before a change of keys needs the old one. */
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

  /** The raw response, for streams. */
  raw(path: string, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
    return fetch(this.options.url + path, {
      headers: { authorization: `Bearer ${this.options.key}`, ...headers },
      ...(signal ? { signal } : {}),
    });
  }

  private async call(method: string, path: string, options: CallOptions = {}): Promise<unknown> {
    const response = await this.told(method, path, 'application/json, text/plain', options);
    const text = await response.text();
    return response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text;
  }

  /** @throws ProblemError where it is refused, also when it was tried again */
  private async told(
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

/** The answer at the end of lines of JSON that tell how far it is. @throws ProblemError */
async function answerIn<Answer, Progress>(
  { body }: Response,
  progress: (told: Progress) => void = () => undefined,
): Promise<Answer> {
  for await (const line of body ? linesOf(body) : []) {
    const told = JSON.parse(line) as { progress?: Progress; answer?: Answer; problem?: Problem };
    if (told.progress) progress(told.progress);
    if (told.answer) return told.answer;
    if (told.problem) throw problemOf(told.problem.status, JSON.stringify(told.problem));
  }
  throw new ProblemError(503, 'NOT_READY', 'the service ended its answer before there was one');
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      yield text.slice(0, end);
      text = text.slice(end + 1);
    }
  }
}

function problemOf(status: number, text: string): ProblemError {
  try {
    const body = JSON.parse(text) as Problem & Record<string, unknown>;
    return new ProblemError(status, body.code ?? 'INTERNAL', body.detail ?? text, body.reasons ?? [], body);
  } catch {
    return new ProblemError(status, 'INTERNAL', text.slice(0, 500));
  }
}
