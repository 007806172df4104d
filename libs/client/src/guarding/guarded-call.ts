import type { ActionAnswer, ActionRequest, OutcomeRequest } from '@bailiwick/contracts/actions/action';
import type { ApprovalView } from '@bailiwick/contracts/queries/query';
import { systemClock } from '@bailiwick/core/clock';
import { canonicalDigest } from '@bailiwick/core/digest';
import type { CallOptions } from '../http/http-calls';
import { ProblemError } from '../http/problem-error';
import {
  ApprovalNeededError,
  DeniedError,
  objectionsIn,
  OutcomeNotReportedError,
  UndecidedError,
  type GuardError,
} from '../errors';
import { approved } from './approvals';
import type { LeaseWatch } from './lease-watch';
import { recorded, type Recording } from './telemetry';
import { actionOf, type CallHow, type GuardedTool } from './tool';

/** The requests that guarded calls make. */
export interface Decisions {
  act(body: ActionRequest, options?: CallOptions): Promise<ActionAnswer>;
  settle(actionId: string, outcome: OutcomeRequest, options?: CallOptions): Promise<unknown>;
  approval(id: string, options?: CallOptions): Promise<ApprovalView>;
}

/** The run whose calls are guarded. */
export interface Acting {
  readonly id: string;
  readonly treeId: string;
  readonly grantId: string;
  readonly agent: { readonly class: string };
  readonly service: Decisions;
  readonly watch: LeaseWatch;
  /** the answers to calls that need approval, by the digest of the call: the same call again uses its approval */
  readonly asked: Map<string, ActionAnswer>;
  /** ms that an aborted tool has to stop before its outcome is reported */
  readonly abortGraceMs: number;
}

/** Approvals that one call waits for, one after the other. */
const MOST_APPROVALS = 3;
/** Calls of a run whose requests for approval are remembered. */
const MOST_ASKED = 1_000;

/** What became of a tool that was started. */
type Ran<R> = { readonly result: R } | { readonly thrown: unknown };

/**
 * Decides a call on its exact arguments, waits for approval if the rule states so, runs the tool, and reports exactly one
 * outcome of its permit.
 * @throws GuardError; what the tool throws; the reason of the caller's signal
 */
export async function guardedCall<A, R>(acting: Acting, tool: GuardedTool<A, R>, args: A, how: CallHow): Promise<R> {
  const exact = structuredClone(args);
  const attributes = {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': tool.name,
    'gen_ai.tool.type': 'function',
    'gen_ai.agent.name': acting.agent.class,
    'gen_ai.agent.id': acting.id,
    'gen_ai.conversation.id': acting.treeId,
    ...(how.callId === undefined ? {} : { 'gen_ai.tool.call.id': how.callId }),
  };
  return recorded(`execute_tool ${tool.name}`, 'internal', attributes, how.trace ?? {}, async (span) => {
    const lease = acting.watch.hold();
    const signal = how.signal ? AbortSignal.any([lease.signal, how.signal]) : lease.signal;
    try {
      const permit = await permitFor(acting, tool, exact, signal, span);
      return await carriedOut(acting, tool, exact, permit, signal, span);
    } finally {
      lease.release();
    }
  });
}

/** @throws DeniedError, ApprovalNeededError, UndecidedError, the reason of the signal */
async function permitFor<A, R>(
  acting: Acting,
  tool: GuardedTool<A, R>,
  args: A,
  signal: AbortSignal,
  span: Recording,
): Promise<ActionAnswer> {
  const request = actionOf(tool, acting.grantId, args);
  // one key per call, for all its retries: a call that is made twice is decided twice
  const key = crypto.randomUUID();
  const call = canonicalDigest(request);
  const wait = tool.approval ?? false;
  let answer = (await askedBefore(acting, call)) ?? (await decided(acting, request, key, signal, span));
  // an approval covers the objections of its card only: what is new is asked about again
  for (let round = 1; answer.decision === 'step-up' && round <= MOST_APPROVALS; round++) {
    remember(acting, call, answer);
    const approvalId = await approved(acting.service, answer, wait === false ? { timeoutMs: 0 } : wait, signal);
    answer = await decided(acting, { ...request, approvalId }, `${key}.${round}`, signal, span);
  }
  if (answer.decision !== 'step-up') acting.asked.delete(call);
  span.set({ ...decisionAttributes(answer), 'bailiwick.grant.id': acting.grantId });
  if (answer.decision === 'permit') return answer;
  if (answer.decision === 'step-up') throw new ApprovalNeededError(answer);
  throw new DeniedError(answer.reasons, answer.actionId);
}

/** The decision is not aborted, since its permit would have no outcome: it is bounded by the retries of the client. */
async function decided(
  { service, grantId, id }: Acting,
  request: ActionRequest,
  idempotencyKey: string,
  signal: AbortSignal,
  { headers }: Recording,
): Promise<ActionAnswer> {
  signal.throwIfAborted();
  const { action, resource } = request;
  const attributes = {
    'gen_ai.tool.name': action.tool ?? action.verb,
    'bailiwick.run.id': id,
    'bailiwick.grant.id': grantId,
    'bailiwick.action.verb': action.verb,
    'bailiwick.resource.type': resource.type,
  };
  return recorded(`decide ${action.verb}`, 'client', attributes, headers, async (span) => {
    const answer = await service
      .act(request, { idempotencyKey, headers: span.headers })
      .catch((error: unknown) => Promise.reject(refusalOf(error)));
    span.set(decisionAttributes(answer));
    return answer;
  });
}

/** Returns the answer to an earlier request of the same call that waits for approval, or has it. */
async function askedBefore({ asked, service }: Acting, call: string): Promise<ActionAnswer | undefined> {
  const earlier = asked.get(call);
  if (earlier?.approvalId === undefined) return undefined;
  const status = await service.approval(earlier.approvalId).then(
    (approval) => approval.status,
    () => undefined,
  );
  if (status === 'pending' || status === 'approved') return earlier;
  asked.delete(call);
  return undefined;
}

function remember({ asked }: Acting, call: string, answer: ActionAnswer): void {
  asked.delete(call);
  const [oldest] = asked.keys();
  if (oldest !== undefined && asked.size >= MOST_ASKED) asked.delete(oldest);
  asked.set(call, answer);
}

/** A request that the service refuses is a denial; without an answer there is no decision. */
function refusalOf(error: unknown): GuardError {
  if (!(error instanceof ProblemError) || error.status >= 500 || error.status === 429) return new UndecidedError(error);
  const { code, message, reasons } = error;
  return new DeniedError([{ rule: 'request', outcome: 'deny', code, message, reasons }]);
}

const decisionAttributes = ({ decision, actionId, approvalId, policy, reasons }: ActionAnswer) => ({
  'bailiwick.decision': decision,
  'bailiwick.action.id': actionId,
  'bailiwick.policy.version': policy ?? 0,
  ...(approvalId === undefined ? {} : { 'bailiwick.approval.id': approvalId }),
  'bailiwick.reason.codes': [
    ...new Set(objectionsIn(reasons, decision).flatMap(({ code }) => (code === undefined ? [] : [code]))),
  ],
});

async function carriedOut<A, R>(
  acting: Acting,
  tool: GuardedTool<A, R>,
  args: A,
  permit: ActionAnswer,
  signal: AbortSignal,
  span: Recording,
): Promise<R> {
  const { actionId, obligations, actionToken } = permit;
  if (signal.aborted || Date.parse(permit.expiresAt) <= systemClock.now()) {
    await reported(acting, actionId, { status: 'failed' }, undefined);
    signal.throwIfAborted();
    throw new DeniedError([TOO_LATE], actionId);
  }
  const context = { signal, actionId, obligations, trace: span.headers, ...(actionToken && { actionToken }) };
  const running = settled(async () => {
    return span.within(() => tool.run(args, context));
  });
  const ran = await untilAborted(running, signal, acting.abortGraceMs);
  const outcome = outcomeOf(tool, ran);
  span.set({ 'bailiwick.outcome': outcome.status });
  await reported(acting, actionId, outcome, ran);
  signal.throwIfAborted();
  if ('thrown' in ran) throw ran.thrown;
  return tool.apply ? tool.apply(ran.result, obligations) : ran.result;
}

const TOO_LATE = {
  rule: 'time',
  outcome: 'deny',
  code: 'EXPIRED',
  message: 'the permit ended before its call was made, by the clock of this machine',
} as const;

const settled = <R>(work: () => Promise<R>): Promise<Ran<R>> =>
  work().then(
    (result) => ({ result }),
    (thrown: unknown) => ({ thrown }),
  );

/** Waits for a tool; after an abort for the grace period at most. */
async function untilAborted<R>(running: Promise<Ran<R>>, signal: AbortSignal, graceMs: number): Promise<Ran<R>> {
  let timer: NodeJS.Timeout | undefined;
  let stop: (() => void) | undefined;
  const ended = new Promise<Ran<R>>((resolve) => {
    stop = (): void => {
      timer = setTimeout(() => resolve({ thrown: signal.reason }), graceMs);
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([running, ended]);
  } finally {
    clearTimeout(timer);
    if (stop) signal.removeEventListener('abort', stop);
  }
}

/** Returns what is reported of a tool. Of a result that the rule cannot describe, only that the call was made. */
function outcomeOf<A, R>(tool: GuardedTool<A, R>, ran: Ran<R>): OutcomeRequest {
  if ('thrown' in ran) return { status: 'failed' };
  const made = { status: 'completed', ...digestOf(ran.result) } as const;
  try {
    return { ...made, ...tool.outcome?.(ran.result) };
  } catch {
    return made;
  }
}

/** Returns the digest of a result, if it has a form as JSON. */
function digestOf(result: unknown): { resultDigest?: string } {
  try {
    const text = JSON.stringify(result) as string | undefined;
    return text === undefined ? {} : { resultDigest: canonicalDigest(JSON.parse(text)) };
  } catch {
    return {};
  }
}

/** Reports an outcome, always the same one under one key. @throws OutcomeNotReportedError */
async function reported(
  { service }: Acting,
  actionId: string,
  outcome: OutcomeRequest,
  ran: Ran<unknown> | undefined,
): Promise<void> {
  try {
    await service.settle(actionId, outcome, { idempotencyKey: `outcome_${actionId}` });
  } catch (error) {
    if (error instanceof ProblemError && error.code === 'ALREADY_SETTLED') return;
    throw new OutcomeNotReportedError(
      actionId,
      ran && 'result' in ran ? ran.result : undefined,
      ran && 'thrown' in ran ? ran.thrown : error,
    );
  }
}
