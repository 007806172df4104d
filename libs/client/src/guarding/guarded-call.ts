import type { ActionAnswer, ActionRequest, OutcomeRequest } from '@bailiwick/contracts/actions/action';
import type { ApprovalView } from '@bailiwick/contracts/queries/query';
import { systemClock } from '@bailiwick/core/clock';
import { canonicalDigest } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { statedDigests } from '@bailiwick/core/value-digests';
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
import { exactCopy } from './arguments';
import type { LeaseWatch } from './lease-watch';
import { recorded, type Recording } from './telemetry';
import { describe, type CallHow, type GuardedTool } from './tool';

/** The requests that guarded calls make. */
export interface Decisions {
  act(body: ActionRequest, options?: CallOptions): Promise<ActionAnswer>;
  settle(actionId: string, outcome: OutcomeRequest, options?: CallOptions): Promise<unknown>;
  approval(id: string, options?: CallOptions): Promise<ApprovalView>;
}

/** A lease, and the service as the holder of its token reaches it. */
export interface Held {
  readonly grantId: string;
  readonly service: Decisions;
}

/** The run whose calls are guarded. */
export interface Acting {
  readonly id: string;
  readonly treeId: string;
  readonly agent: { readonly class: string };
  /** read for each request: a renewal during a call replaces the token, and after an escalation the lease */
  readonly held: () => Held;
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
  const exact = exactCopy(args);
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
  const { request, digest: call } = describe(tool, args);
  // one key per call, for all its retries: a call that is made twice is decided twice
  const key = crypto.randomUUID();
  const wait = tool.approval === undefined || tool.approval === false ? { timeoutMs: 0 } : tool.approval;
  let answer = (await askedBefore(acting, call)) ?? (await decided(acting, request, key, signal, span));
  // an approval covers the objections of its card only: what is new is asked about again
  for (let round = 1; answer.decision === 'step-up' && round <= MOST_APPROVALS; round++) {
    remember(acting, call, answer);
    const approvalId = await approved(approvalsOf(acting), answer, wait, signal);
    answer = await decided(acting, { ...request, approvalId }, `${key}.${round}`, signal, span);
  }
  if (answer.decision !== 'step-up') acting.asked.delete(call);
  span.set({ ...decisionAttributes(answer), 'bailiwick.grant.id': acting.held().grantId });
  if (answer.decision === 'permit') return answer;
  if (answer.decision === 'step-up') throw new ApprovalNeededError(answer);
  throw new DeniedError(answer.reasons, answer.actionId);
}

/** Reads approvals with the present token. A reading that fails leaves the call undecided. */
const approvalsOf = (acting: Acting): Pick<Decisions, 'approval'> => ({
  approval: (id, options) =>
    acting
      .held()
      .service.approval(id, options)
      .catch((error: unknown) => Promise.reject(options?.signal?.aborted ? (error as Error) : refusalOf(error))),
});

/**
 * Requests a decision. It is not aborted, since its permit would have no outcome: after an abort nothing waits for it, and
 * a permit that arrives later is reported as failed.
 */
async function decided(
  acting: Acting,
  call: Omit<ActionRequest, 'grantId'>,
  idempotencyKey: string,
  signal: AbortSignal,
  { headers }: Recording,
): Promise<ActionAnswer> {
  signal.throwIfAborted();
  const { grantId, service } = acting.held();
  const { action, resource } = call;
  const attributes = {
    'gen_ai.tool.name': action.tool ?? action.verb,
    'bailiwick.run.id': acting.id,
    'bailiwick.grant.id': grantId,
    'bailiwick.action.verb': action.verb,
    'bailiwick.resource.type': resource.type,
  };
  return recorded(`decide ${action.verb}`, 'client', attributes, headers, async (span) => {
    const deciding = service.act({ grantId, ...call }, { idempotencyKey, headers: span.headers });
    const answer = await unlessAborted(deciding, signal, (late) => {
      if (late.decision === 'permit') void reported(acting, late.actionId, NOT_MADE);
    }).catch((error: unknown) => Promise.reject(signal.aborted ? (error as Error) : refusalOf(error)));
    span.set(decisionAttributes(answer));
    return answer;
  });
}

/** Rejects with the reason of a signal once it fires; then `late` gets the value, if there is one. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal, late: (value: T) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    work
      .then((value) => (signal.aborted ? late(value) : resolve(value)), reject)
      .finally(() => signal.removeEventListener('abort', stop));
  });
}

/** Returns the answer to an earlier request of the same call that waits for approval, or has it. */
async function askedBefore({ asked, held }: Acting, call: string): Promise<ActionAnswer | undefined> {
  const earlier = asked.get(call);
  if (earlier?.approvalId === undefined) return undefined;
  const status = await held()
    .service.approval(earlier.approvalId)
    .then(
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
    await reported(acting, actionId, NOT_MADE);
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
  const lost = await reported(acting, actionId, outcome);
  if (!lost) signal.throwIfAborted();
  // neither the caller nor an error gets the result before
  const given = 'result' in ran ? await settled(async () => obliged(tool, ran.result, obligations)) : ran;
  if (lost)
    throw 'result' in given
      ? new OutcomeNotReportedError(actionId, given.result, lost.error)
      : new OutcomeNotReportedError(actionId, undefined, given.thrown);
  if ('thrown' in given) throw given.thrown;
  return given.result;
}

/** The outcome of a permit whose call is not made. */
const NOT_MADE: OutcomeRequest = { status: 'failed' };

const obliged = <A, R>(tool: GuardedTool<A, R>, result: R, obligations: ActionAnswer['obligations']): R | Promise<R> =>
  tool.apply ? tool.apply(result, obligations) : result;

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
  const made = { status: 'completed', ...digestOf(ran.result, tool.values === true) } as const;
  try {
    return { ...made, ...tool.outcome?.(ran.result) };
  } catch {
    return made;
  }
}

/** Returns the digest of a result, and those of its values, if it has a form as JSON. */
function digestOf(result: unknown, isFollowed: boolean): Pick<OutcomeRequest, 'resultDigest' | 'values'> {
  try {
    const text = JSON.stringify(result) as string | undefined;
    if (text === undefined) return {};
    const json: unknown = JSON.parse(text);
    const values = isFollowed ? statedDigests(json, LIMITS.valuesPerResult) : undefined;
    return { resultDigest: canonicalDigest(json), ...(values && { values }) };
  } catch {
    return {};
  }
}

/** Reports an outcome, always the same one under one key. Returns why it could not, if so: nothing waits for it then. */
async function reported(
  { held }: Acting,
  actionId: string,
  outcome: OutcomeRequest,
): Promise<{ readonly error: unknown } | undefined> {
  try {
    await held().service.settle(actionId, outcome, { idempotencyKey: `outcome_${actionId}` });
    return undefined;
  } catch (error) {
    return error instanceof ProblemError && error.code === 'ALREADY_SETTLED' ? undefined : { error };
  }
}
