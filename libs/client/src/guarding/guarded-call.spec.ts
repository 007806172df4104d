import * as fc from 'fast-check';
import type { ActionAnswer, ActionRequest, OutcomeRequest } from '@bailiwick/contracts/actions/action';
import type { ApprovalView } from '@bailiwick/contracts/queries/query';
import { canonicalDigest } from '@bailiwick/core/digest';
import { valueDigests } from '@bailiwick/core/value-digests';
import { ApprovalNeededError, DeniedError, LeaseEndedError, OutcomeNotReportedError, UndecidedError } from '../errors';
import type { CallOptions } from '../http/http-calls';
import { ProblemError } from '../http/problem-error';
import { guardedCall, type Acting, type Decisions } from './guarded-call';
import { LeaseWatch } from './lease-watch';
import type { CallContext, GuardedTool } from './tool';

fc.configureGlobal({ seed: 20260131 });

const HOUR = 3_600_000;
type Decision = ActionAnswer['decision'];

/** The service as guarded calls see it: decisions from a list, and every outcome that it receives. */
class Service implements Decisions {
  readonly requests: { body: ActionRequest; options: CallOptions | undefined }[] = [];
  readonly outcomes: { actionId: string; outcome: OutcomeRequest }[] = [];
  readonly permits: string[] = [];
  status: ApprovalView['status'] = 'pending';
  act = async (body: ActionRequest, options?: CallOptions): Promise<ActionAnswer> => {
    this.requests.push({ body, options });
    this.deciding();
    const decision = this.decisions.shift() ?? 'permit';
    if (decision instanceof Error) throw decision;
    const actionId = `act_${this.requests.length}`;
    if (decision === 'permit') this.permits.push(actionId);
    return answer(decision, actionId, this.permitMs);
  };
  settle = async (actionId: string, outcome: OutcomeRequest): Promise<void> => {
    if (this.settleError) throw this.settleError;
    this.outcomes.push({ actionId, outcome });
  };
  approval = async (): Promise<ApprovalView> => ({ status: this.status }) as ApprovalView;
  settleError: Error | undefined;
  /** called while a decision is made */
  deciding = (): void => undefined;
  permitMs = HOUR;

  constructor(private readonly decisions: (Decision | Error)[] = []) {}
}
const answer = (decision: Decision, actionId: string, ms: number): ActionAnswer =>
  ({
    decision,
    actionId,
    reasons: [
      {
        rule: 'grant',
        outcome: decision,
        message: 'this grant',
        reasons: [{ rule: 'actions', outcome: decision, code: 'ACTION_NOT_ALLOWED', message: 'no' }],
      },
    ],
    obligations: ['report-outcome'],
    expiresAt: new Date(Date.now() + ms).toISOString(),
    ...(decision === 'step-up' ? { approvalId: 'apr_1' } : {}),
  }) as unknown as ActionAnswer;

const actingOn = (service: Service, watch = new LeaseWatch(async () => ({ status: 'active' }))): Acting => ({
  id: 'run_1',
  treeId: 'tre_1',
  agent: { class: 'tester' },
  held: () => ({ grantId: 'grt_1', service }),
  watch,
  asked: new Map(),
  abortGraceMs: 0,
});
const tool = (
  run: (args: { path: string }, context: CallContext) => unknown,
  more = {},
): GuardedTool<{ path: string }> => ({
  name: 'read',
  verb: 'file.read',
  resource: ({ path }) => ({ type: 'file', id: path }),
  run,
  ...more,
});
const caught = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );
const untilAborted = (_args: unknown, { signal }: CallContext): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });

describe('a guarded call', () => {
  it('makes a permitted call with the arguments that were decided, although the caller changes them during the decision', async () => {
    const service = new Service();
    const args = { path: 'a.md', nested: { list: [1] } };
    const seen: unknown[] = [];
    const call = guardedCall(
      actingOn(service),
      tool((given) => void seen.push(given)),
      args,
      {},
    );
    args.path = 'secret.md';
    args.nested.list.push(2);
    await call;
    const decided = service.requests[0]!.body;
    expect(decided.action.args).toEqual({ path: 'a.md', nested: { list: [1] } });
    expect(decided.resource).toEqual({ type: 'file', id: 'a.md' });
    expect(seen).toEqual([decided.action.args]);
  });

  it('returns the result, and reports its digest once', async () => {
    const service = new Service();
    await expect(
      guardedCall(
        actingOn(service),
        tool(() => ({ text: 'hi' })),
        { path: 'a' },
        {},
      ),
    ).resolves.toEqual({ text: 'hi' });
    expect(service.outcomes).toEqual([
      { actionId: 'act_1', outcome: { status: 'completed', resultDigest: canonicalDigest({ text: 'hi' }) } },
    ]);
  });

  it('states digests of the values of its arguments and its result if its rule asks for them', async () => {
    const service = new Service();
    const found = { iban: 'DE89370400440532013000' };
    const follows = { ...tool(() => found), values: true };
    await guardedCall(actingOn(service), follows, { path: 'a' }, {});
    expect(service.requests[0]!.body.action.values).toBe(true);
    expect(service.outcomes).toMatchObject([{ outcome: { values: valueDigests(found) } }]);
  });

  it('does not make a denied call, and throws the innermost reasons', async () => {
    const service = new Service(['deny']);
    const ran = jest.fn();
    const error = (await caught(guardedCall(actingOn(service), tool(ran), { path: 'a' }, {}))) as DeniedError;
    expect(error).toBeInstanceOf(DeniedError);
    expect([error.code, error.message, error.actionId]).toEqual([
      'ACTION_NOT_ALLOWED',
      'denied: no [ACTION_NOT_ALLOWED]',
      'act_1',
    ]);
    expect(ran).not.toHaveBeenCalled();
    expect(service.outcomes).toEqual([]);
  });

  it.each([
    [new ProblemError(401, 'UNAUTHENTICATED', 'the token has ended'), DeniedError, 'UNAUTHENTICATED'],
    [new ProblemError(503, 'NOT_READY', 'no owner'), UndecidedError, 'UNDECIDED'],
    [new TypeError('fetch failed'), UndecidedError, 'UNDECIDED'],
  ])('makes no call if the decision fails with %s', async (failure, type, code) => {
    const ran = jest.fn();
    const error = await caught(guardedCall(actingOn(new Service([failure])), tool(ran), { path: 'a' }, {}));
    expect(error).toBeInstanceOf(type);
    expect((error as DeniedError).code).toBe(code);
    expect(ran).not.toHaveBeenCalled();
  });

  it('states the obligations that its rule applies, and applies them before the caller has the result', async () => {
    const service = new Service();
    const rule = { understands: ['max_rows'], apply: (rows: number[]) => rows.slice(0, 1) };
    const call = guardedCall(
      actingOn(service),
      tool(() => [1, 2, 3], rule),
      { path: 'a' },
      {},
    );
    await expect(call).resolves.toEqual([1]);
    expect(service.requests[0]!.body.understands).toEqual(['max_rows']);
    await guardedCall(
      actingOn(service),
      tool(() => 1),
      { path: 'a' },
      {},
    );
    expect(service.requests[1]!.body.understands).toEqual([]);
  });

  it('sends all requests of one decision under one key, and those of another call under another', async () => {
    const service = new Service();
    for (let i = 0; i < 2; i++)
      await guardedCall(
        actingOn(service),
        tool(() => 1),
        { path: 'a' },
        { callId: 'same' },
      );
    const keys = service.requests.map(({ options }) => options?.idempotencyKey);
    expect(new Set(keys).size).toBe(2);
    expect(keys).not.toContain(undefined);
  });

  it('reports what a tool throws as failed, and throws it', async () => {
    const service = new Service();
    const failure = new Error('disk full');
    const call = guardedCall(
      actingOn(service),
      tool(() => Promise.reject(failure)),
      { path: 'a' },
      {},
    );
    expect(await caught(call)).toBe(failure);
    expect(service.outcomes).toEqual([{ actionId: 'act_1', outcome: { status: 'failed' } }]);
  });

  it('throws OutcomeNotReportedError with the result if the outcome cannot be reported', async () => {
    const service = new Service();
    service.settleError = new TypeError('fetch failed');
    const error = await caught(
      guardedCall(
        actingOn(service),
        tool(() => 'sent'),
        { path: 'a' },
        {},
      ),
    );
    expect(error).toBeInstanceOf(OutcomeNotReportedError);
    expect(error).toMatchObject({ actionId: 'act_1', result: 'sent', cause: service.settleError });
  });

  it('takes an outcome that is reported already as reported', async () => {
    const service = new Service();
    service.settleError = new ProblemError(409, 'ALREADY_SETTLED', 'already completed');
    await expect(
      guardedCall(
        actingOn(service),
        tool(() => 'sent'),
        { path: 'a' },
        {},
      ),
    ).resolves.toBe('sent');
  });

  it('does not make a call whose permit has ended before it arrives, and reports it as failed', async () => {
    const service = new Service();
    service.permitMs = -1;
    const ran = jest.fn();
    const error = await caught(guardedCall(actingOn(service), tool(ran), { path: 'a' }, {}));
    expect([(error as DeniedError).code, ran.mock.calls.length]).toEqual(['EXPIRED', 0]);
    expect(service.outcomes).toEqual([{ actionId: 'act_1', outcome: { status: 'failed' } }]);
  });

  it('aborts the tool when the lease ends, reports it as failed, and throws why', async () => {
    const service = new Service();
    const watch = new LeaseWatch(async () => ({ status: 'revoked' }), { watchEveryMs: 1 });
    const error = await caught(guardedCall(actingOn(service, watch), tool(untilAborted), { path: 'a' }, {}));
    expect(error).toBeInstanceOf(LeaseEndedError);
    expect((error as LeaseEndedError).code).toBe('LEASE_REVOKED');
    expect(service.outcomes).toEqual([{ actionId: 'act_1', outcome: { status: 'failed' } }]);
    await expect(
      guardedCall(
        actingOn(service, watch),
        tool(() => 1),
        { path: 'a' },
        {},
      ),
    ).rejects.toBe(error);
    expect(service.requests).toHaveLength(1);
  });

  it('reports a tool that ignores the abort once as well', async () => {
    const service = new Service();
    const caller = new AbortController();
    const ignores = tool(() => {
      caller.abort(new Error('the user left'));
      return new Promise(() => undefined);
    });
    const error = await caught(guardedCall(actingOn(service), ignores, { path: 'a' }, { signal: caller.signal }));
    expect((error as Error).message).toBe('the user left');
    expect(service.outcomes).toEqual([{ actionId: 'act_1', outcome: { status: 'failed' } }]);
  });

  it('throws the approval that it needs unless the rule waits for it', async () => {
    const error = await caught(
      guardedCall(
        actingOn(new Service(['step-up'])),
        tool(() => 1),
        { path: 'a' },
        {},
      ),
    );
    expect(error).toBeInstanceOf(ApprovalNeededError);
    expect((error as ApprovalNeededError).approvalId).toBe('apr_1');
  });

  it('waits for the approval, and repeats the same request with it', async () => {
    const service = new Service(['step-up', 'permit']);
    const approval = { everyMs: 1, asked: () => (service.status = 'approved') };
    await expect(
      guardedCall(
        actingOn(service),
        tool(() => 1, { approval }),
        { path: 'a' },
        {},
      ),
    ).resolves.toBe(1);
    const [first, second] = service.requests.map(({ body }) => body);
    expect(second).toEqual({ ...first, approvalId: 'apr_1' });
  });

  it('uses the approval when the same call is repeated, and asks for no second one before', async () => {
    const service = new Service(['step-up', 'permit', 'permit']);
    const acting = actingOn(service);
    const call = (path: string): Promise<unknown> =>
      caught(
        guardedCall(
          acting,
          tool(() => 1),
          { path },
          {},
        ),
      );
    expect(await call('a')).toBeInstanceOf(ApprovalNeededError);
    expect(await call('a')).toBeInstanceOf(ApprovalNeededError);
    expect(service.requests).toHaveLength(1);
    service.status = 'approved';
    expect(await call('other')).toBeUndefined();
    expect(await call('a')).toBeUndefined();
    expect(service.requests.map(({ body }) => body.approvalId)).toEqual([undefined, undefined, 'apr_1']);
    expect(await call('a')).toBeUndefined();
    expect(service.requests.at(-1)?.body.approvalId).toBeUndefined();
  });

  it('throws DeniedError once a person has denied the request, and makes no call', async () => {
    const service = new Service(['step-up']);
    const approval = { everyMs: 1, asked: () => (service.status = 'denied') };
    const ran = jest.fn();
    const error = await caught(guardedCall(actingOn(service), tool(ran, { approval }), { path: 'a' }, {}));
    expect([(error as DeniedError).code, ran.mock.calls.length]).toEqual(['REFUSED_BY_PERSON', 0]);
  });

  it('ends at once when it is aborted during the decision, and reports a permit that arrives later as failed', async () => {
    const service = new Service();
    const caller = new AbortController();
    const decide = new AbortController();
    const { act } = service;
    const asked = new Promise<void>((resolve) => {
      service.act = async (body, options) => {
        resolve();
        await new Promise((decided) => decide.signal.addEventListener('abort', decided));
        return act(body, options);
      };
    });
    const ran = jest.fn();
    const call = caught(guardedCall(actingOn(service), tool(ran), { path: 'a' }, { signal: caller.signal }));
    await asked;
    caller.abort(new Error('the user left'));
    expect(((await call) as Error).message).toBe('the user left');
    expect(service.outcomes).toEqual([]);
    decide.abort();
    await new Promise(setImmediate);
    expect(service.outcomes).toEqual([{ actionId: 'act_1', outcome: { status: 'failed' } }]);
    expect(ran).not.toHaveBeenCalled();
  });

  it('uses the lease and the token of the moment for each request, so that a call lasts longer than its token', async () => {
    const [first, second] = [new Service(), new Service()];
    let held = { grantId: 'grt_1', service: first };
    const renews = tool(() => void (held = { grantId: 'grt_2', service: second }));
    const acting = { ...actingOn(first), held: () => held };
    await guardedCall(acting, renews, { path: 'a' }, {});
    expect([first.permits, first.outcomes, second.outcomes.length]).toEqual([['act_1'], [], 1]);
    await guardedCall(acting, renews, { path: 'a' }, {});
    expect(second.requests.map(({ body }) => body.grantId)).toEqual(['grt_2']);
  });

  it('decides two identical calls at the same time separately, each with an outcome', async () => {
    const service = new Service();
    const acting = actingOn(service);
    const call = (): Promise<unknown> =>
      guardedCall(
        acting,
        tool((_, { actionId }) => actionId),
        { path: 'a' },
        {},
      );
    expect(new Set(await Promise.all([call(), call()]))).toEqual(new Set(['act_1', 'act_2']));
    expect(service.outcomes.map(({ actionId }) => actionId).sort()).toEqual(['act_1', 'act_2']);
    expect(new Set(service.requests.map(({ options }) => options?.idempotencyKey)).size).toBe(2);
  });

  it('makes one of two identical calls if they share an approval for one', async () => {
    const service = new Service(['step-up', 'permit', 'deny']);
    const acting = actingOn(service);
    const ran = jest.fn();
    const call = (): Promise<unknown> => caught(guardedCall(acting, tool(ran), { path: 'a' }, {}));
    expect(await call()).toBeInstanceOf(ApprovalNeededError);
    service.status = 'approved';
    const [one, other] = await Promise.all([call(), call()]);
    expect([one, other].filter((each) => each instanceof DeniedError)).toHaveLength(1);
    expect(ran).toHaveBeenCalledTimes(1);
    expect(service.requests.slice(1).map(({ body }) => body.approvalId)).toEqual(['apr_1', 'apr_1']);
  });

  it('makes no call if its approval cannot be read', async () => {
    const service = new Service(['step-up']);
    service.approval = () => Promise.reject(new TypeError('fetch failed'));
    const ran = jest.fn();
    const error = await caught(guardedCall(actingOn(service), tool(ran, { approval: true }), { path: 'a' }, {}));
    expect(error).toBeInstanceOf(UndecidedError);
    expect(ran).not.toHaveBeenCalled();
  });

  it('is denied, without a decision, if its rule cannot describe it', async () => {
    const service = new Service();
    const rule = { resource: ({ to }: { to?: { id: string } }) => ({ type: 'account', id: to!.id }) };
    const error = await caught(
      guardedCall(
        actingOn(service),
        tool(() => 1, rule),
        { path: 'a' },
        {},
      ),
    );
    expect([(error as DeniedError).code, service.requests]).toEqual(['RULE_FAILED', []]);
  });

  it('makes the call with the arguments that were decided, although its rule changes them', async () => {
    const service = new Service();
    const rule = {
      resource: (args: { path: string }) => {
        args.path = 'b';
        return { type: 'file', id: args.path };
      },
    };
    const seen: unknown[] = [];
    await guardedCall(
      actingOn(service),
      tool((args) => void seen.push(args), rule),
      { path: 'a' },
      {},
    );
    expect(seen).toEqual([service.requests[0]?.body.action.args]);
  });

  it('withholds a result until its obligations are applied, also if the outcome is not reported', async () => {
    const service = new Service();
    service.settleError = new TypeError('fetch failed');
    const rule = { understands: ['max_rows'], apply: (rows: string[]) => rows.slice(0, 1) };
    const error = await caught(
      guardedCall(
        actingOn(service),
        tool(() => ['one', 'hunter2'], rule),
        { path: 'a' },
        {},
      ),
    );
    expect(error).toMatchObject({ code: 'OUTCOME_NOT_REPORTED', result: ['one'] });
    expect(JSON.stringify(error)).not.toContain('hunter2');
  });

  it('has exactly one outcome for every permit, and runs a tool once for it, whatever happens', async () => {
    const decisions = fc.constantFrom<Decision | 'lost'>('permit', 'permit', 'deny', 'step-up', 'lost');
    const behavior = fc.constantFrom('returns', 'throws', 'waits', 'ignores');
    const ending = fc.constantFrom('none', 'before', 'deciding', 'lease', 'caller');
    await fc.assert(
      fc.asyncProperty(
        fc.array(decisions, { maxLength: 2 }),
        behavior,
        ending,
        fc.constantFrom('approved', 'denied', 'expired'),
        async (list, does, ends, status) => {
          const service = new Service(list.map((each) => (each === 'lost' ? new TypeError('fetch failed') : each)));
          service.status = status;
          const watch = new LeaseWatch(async () => ({ status: 'active' }));
          const caller = new AbortController();
          let runs = 0;
          const end = (): void => {
            if (ends === 'lease') watch.end('revoked');
            if (ends === 'caller') caller.abort(new Error('left'));
          };
          if (ends === 'before') watch.end('expired');
          if (ends === 'deciding') service.deciding = () => caller.abort(new Error('left'));
          const run = (args: unknown, context: CallContext): unknown => {
            runs += 1;
            // a tool that waits only ends with an abort
            if (ends === 'none' || does === 'returns') return (end(), 'done');
            if (does === 'throws') return (end(), Promise.reject(new Error('broken')));
            const waiting = does === 'waits' ? untilAborted(args, context) : new Promise(() => undefined);
            end();
            return waiting;
          };
          await caught(
            guardedCall(
              actingOn(service, watch),
              tool(run, { approval: true }),
              { path: 'a' },
              { signal: caller.signal },
            ),
          );
          await new Promise(setImmediate);
          expect(service.outcomes.map(({ actionId }) => actionId)).toEqual(service.permits);
          expect(runs).toBe(ends === 'deciding' ? 0 : service.permits.length);
          if (ends === 'before') expect(service.requests).toEqual([]);
          watch.end('closed');
        },
      ),
      { numRuns: 300 },
    );
  });
});
