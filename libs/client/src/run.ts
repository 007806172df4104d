import type { Agent, GrantRequest, GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import type { PermissionsView } from '@bailiwick/contracts/queries/permissions';
import { BailiwickClient, type CallOptions, type Granted, type Pending } from './client';
import { approved, type ApprovalWait } from './guarding/approvals';
import { guardedCall, type Acting } from './guarding/guarded-call';
import { LeaseWatch, type WatchOptions } from './guarding/lease-watch';
import { Renewal } from './guarding/renewal';
import { recorded, type TraceHeaders } from './guarding/telemetry';
import type { Guarded, GuardedTool, Guards, ToolRules } from './guarding/tool';

export type { ApprovalWait } from './guarding/approvals';
export type { TraceHeaders } from './guarding/telemetry';
export type { Args, CallContext, CallHow, Guarded, GuardedTool, Guards, ToolRule, ToolRules } from './guarding/tool';

export interface RunRequest {
  /** a text is the class */
  readonly agent: Agent | string;
  readonly requestedBy: string;
  readonly purpose: string;
  readonly grant: GrantRequest;
  readonly requireApproval?: boolean;
}
export interface ChildRequest {
  /** a text is the class */
  readonly agent: Agent | string;
  readonly task: string;
  readonly purpose?: string;
  /** what the child may do: limits left out are the parent's, except `delegation`, of which it has none */
  readonly grant?: GrantRequest;
}
export interface RunOptions extends WatchOptions {
  /** whether a run or child that a person must approve waits for it; `false` unless stated */
  readonly approval?: ApprovalWait;
  /** whether a lease with `renewUntil` is renewed in the background; `true` unless stated */
  readonly renew?: boolean;
  /** ms that an aborted tool has to stop before its outcome is reported; 1,000 unless stated */
  readonly abortGraceMs?: number;
  /** ends the opening of a run */
  readonly signal?: AbortSignal;
  /** the trace context of the caller, if no span of OpenTelemetry is active */
  readonly trace?: TraceHeaders;
}
type Held = Pick<Granted, 'token' | 'expiresAt'> & {
  readonly run: Pick<RunView, 'id' | 'treeId'> & { readonly agent: { readonly class: string } };
  readonly grant: Pick<GrantView, 'id' | 'limits'>;
};

const agentOf = (agent: Agent | string): Agent => (typeof agent === 'string' ? { class: agent } : agent);
const NEVER = new AbortController().signal;

/** Opens a root run, with the key of an orchestrator. @throws ProblemError, ApprovalNeededError, DeniedError */
export function openRun(client: BailiwickClient, request: RunRequest, options: RunOptions = {}): Promise<Run> {
  const { agent, ...rest } = request;
  const body = { ...rest, agent: agentOf(agent) };
  return opened(
    () => client,
    body.agent,
    options,
    (headers) => client.post<Granted | Pending>('/v1/runs', body, { headers }),
  );
}

/** Continues the run of a grant token, such as in the process of a child. The client's key is the token. */
export async function continueRun(client: BailiwickClient, token: string, options: RunOptions = {}): Promise<Run> {
  const held = client.as(token);
  const { runId, treeId, agentClass, grant } = await held.get<PermissionsView>('/v1/permissions/self');
  const own = claimsOf(token);
  return new Run(
    held,
    {
      run: { id: runId, treeId, agent: { class: agentClass } },
      grant: { id: own.grant, limits: grant.limits },
      token,
      expiresAt: new Date(Math.min(own.exp * 1_000, Date.parse(grant.expiresAt))).toISOString(),
    },
    options,
  );
}

/** Reads what a token is for, without a verification: after an escalation it is not the present lease of its run. */
const claimsOf = (token: string): { readonly grant: string; readonly exp: number } =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { grant: string; exp: number };

/** @param client read for each request: a renewal replaces the token of a parent */
async function opened(
  client: () => BailiwickClient,
  agent: Agent,
  options: RunOptions,
  ask: (headers: TraceHeaders) => Promise<Granted | Pending>,
): Promise<Run> {
  const attributes = { 'gen_ai.operation.name': 'create_agent', 'gen_ai.agent.name': agent.class };
  return recorded(`create_agent ${agent.class}`, 'client', attributes, options.trace ?? {}, async (span) => {
    const answer = await ask(span.headers);
    span.set({ 'gen_ai.agent.id': answer.run.id, 'gen_ai.conversation.id': answer.run.treeId });
    if ('token' in answer) return new Run(client(), answer, options);
    const { id: approvalId, expiresAt } = answer.approval;
    const approvals = { approval: (id: string, how?: CallOptions) => client().approval(id, how) };
    const { approval: wait = false, signal = NEVER } = options;
    await approved(approvals, { approvalId, expiresAt, reasons: [] }, wait, signal);
    return new Run(client(), await client().tokenOf(answer.run.id), options);
  });
}

/** A run with its lease: guards tools, delegates, and renews the lease in the background. */
export class Run implements Guards {
  readonly id: string;
  readonly treeId: string;
  readonly agent: { readonly class: string };
  private ofGrant: string;
  private held: BailiwickClient;
  private ofToken: string;
  private end: number;
  private readonly watch: LeaseWatch;
  private readonly renewal: Renewal | undefined;
  private readonly asked: Acting['asked'] = new Map();

  constructor(
    client: BailiwickClient,
    { run, grant, token, expiresAt }: Held,
    private readonly options: RunOptions,
  ) {
    this.id = run.id;
    this.treeId = run.treeId;
    this.agent = run.agent;
    this.ofGrant = grant.id;
    this.ofToken = token;
    this.held = client.as(token).patient();
    this.end = Date.parse(expiresAt);
    this.watch = new LeaseWatch((signal) => this.presentLease(client, signal), options);
    this.watch.expiresAt(this.end);
    const { renewUntil } = grant.limits.time;
    if (renewUntil === undefined || options.renew === false) return;
    this.renewal = new Renewal(() => this.renew().then((end) => end.getTime()), Date.parse(renewUntil));
    this.renewal.plan(this.end);
  }

  /** The lease of the present token. An escalation replaces it; the token is for it until it is renewed. */
  get grantId(): string {
    return this.ofGrant;
  }
  /** The present token, for requests of the run itself. Never give it to a tool or to another agent: delegate. */
  get token(): string {
    return this.ofToken;
  }
  /** A client with the present token. */
  get client(): BailiwickClient {
    return this.held;
  }
  get expiresAt(): Date {
    return new Date(this.end);
  }
  /** Fires when the lease is revoked, suspended or about to expire: for the agent's own work, such as a model's answer. */
  get signal(): AbortSignal {
    return this.watch.always();
  }

  /** Returns a function that makes each call of a tool only with a permit, and reports its outcome. */
  guard<A, R>(tool: GuardedTool<A, R>): Guarded<A, R> {
    return (args, how = {}) =>
      guardedCall(
        {
          id: this.id,
          treeId: this.treeId,
          agent: this.agent,
          held: () => ({ grantId: this.grantId, service: this.held }),
          watch: this.watch,
          asked: this.asked,
          abortGraceMs: this.options.abortGraceMs ?? 1_000,
        },
        { approval: this.options.approval ?? false, ...tool },
        args,
        { ...how, trace: how.trace ?? this.options.trace ?? {} },
      );
  }

  /** Starts a child with a narrower lease. @throws ProblemError GRANT_WIDENS_PARENT and others, ApprovalNeededError */
  delegate(request: ChildRequest, options: RunOptions = {}): Promise<Run> {
    const { agent, grant = {}, ...rest } = request;
    const body = { ...rest, agent: agentOf(agent), grant };
    const path = `/v1/grants/${this.grantId}/delegations`;
    return opened(
      () => this.held,
      body.agent,
      { ...this.options, ...options },
      (headers) => this.held.post<Granted | Pending>(path, body, { headers }),
    );
  }

  /** Runs a child with a separate lease, and ends the lease afterwards. */
  async subagent<T>(request: ChildRequest, work: (child: Run) => Promise<T>, options: RunOptions = {}): Promise<T> {
    const child = await this.delegate(request, options);
    try {
      return await work(child);
    } finally {
      await child.complete().catch(() => child.close());
    }
  }

  /** Returns a child that is delegated when it makes its first call, for frameworks that build all agents at once. */
  later(request: ChildRequest, options: RunOptions = {}): Guards {
    let child: Promise<Run> | undefined;
    const start = async (): Promise<Run> => {
      const started = (child ??= this.delegate(request, options));
      return started.catch((error: unknown) => {
        // unless another call has started one since
        if (child === started) child = undefined;
        throw error;
      });
    };
    return {
      guard: (tool) => async (args, how) => (await start()).guard(tool)(args, how),
    };
  }

  /** Renews the lease now. Returns its new end. @throws ProblemError RENEWAL_NOT_ALLOWED */
  async renew(): Promise<Date> {
    const { token, expiresAt, grant } = await this.held.renew(this.grantId);
    this.ofGrant = grant.id;
    this.ofToken = token;
    this.held = this.held.as(token);
    this.end = Date.parse(expiresAt);
    this.watch.expiresAt(this.end);
    this.renewal?.plan(this.end);
    return this.expiresAt;
  }

  /** Reports the run done: its lease ends, with all below it. */
  async complete(): Promise<void> {
    await this.held.complete(this.id);
    this.stop('completed');
  }

  /** Ends the work in the background and aborts what is in flight, without an end of the lease. */
  close(): void {
    this.stop('closed');
  }

  /** Returns the lease, or the one by which escalations have replaced it. */
  private async presentLease(client: BailiwickClient, signal: AbortSignal): Promise<GrantView> {
    const holder = client.as(this.ofToken);
    let lease = await holder.grant(this.grantId, { signal });
    while (lease.status === 'superseded' && lease.supersededBy !== undefined)
      lease = await holder.grant(lease.supersededBy, { signal });
    return lease;
  }

  private stop(how: 'completed' | 'closed'): void {
    this.renewal?.stop();
    this.watch.end(how);
  }
}

/** Returns the smallest lease of a child that has only these tools. */
export const leaseOf = (rules: ToolRules): GrantRequest => ({
  actions: { allow: [...new Set(Object.values(rules).map(({ verb }) => verb))].sort() },
});
