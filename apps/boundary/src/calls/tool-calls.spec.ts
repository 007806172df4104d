import type { Answer, Command } from '@bailiwick/contracts/commands/command';
import { PolicyReaders } from '@bailiwick/edge/policy-readers';
import { Refused } from '@bailiwick/edge/refused';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import { makeLogger } from '@bailiwick/platform/logging';
import { readDefinition } from '../tools/definition';
import type { PinStore } from '../tools/pin-store';
import { ArgumentValidator } from '../tools/validator';
import {
  NotReached,
  TooManyValues,
  UpstreamGone,
  type RequestOptions,
  type UpstreamAnswer,
} from '../upstream/connection';
import type { Upstream } from '../upstream/upstream';
import { Decisions } from './decisions';
import { GovernedRequests } from './governed';
import { GuardedCalls } from './guarded-calls';
import { LeaseViews } from './lease-views';
import { LiveLeases } from './live-leases';
import { DENIES, liveness } from './testing/liveness';
import { ToolCalls } from './tool-calls';

const ID = '0'.repeat(26);
const CLAIMS: TokenClaims = {
  tenant: 'default',
  runId: `run_0_${ID}`,
  grantId: `grt_0_${ID}`,
  jkt: undefined,
  expiresAt: Infinity,
};
const DEFINITION = readDefinition('{"name":"note","inputSchema":{"type":"object"}}');
const ENTRY = { tools: ['mcp__s__note'], verb: 'note.send', effects: ['write'], risk: 'low' } as const;
const PERMIT = { decision: 'permit', actionId: `act_0_${ID}`, reasons: [], obligations: ['report-outcome'] };
const policy = (version: number, verb: string) => ({ version, bundle: { catalog: [{ ...ENTRY, verb }] } });

type Decide = (command: Command & { action?: { verb: string } }) => Answer | Promise<Answer>;
const permitting: Decide = () => ({ ok: true, value: { ...PERMIT, policy: 1 } });

/** The calls of one upstream, with an owner that decides as stated. */
function world(decide: Decide = permitting, upstreamCall?: (options: RequestOptions) => Promise<UpstreamAnswer>) {
  const commands: Command[] = [];
  const reached: Record<string, unknown>[] = [];
  const answered = { policy: policy(1, 'note.send') as object, grant: { status: 'active' } as object };
  const owners = {
    submit: async (command: Command) => (commands.push(command), decide(command)),
    command: async (command: Command) => void commands.push(command),
    query: async ({ op, grantIds = [] }: { op: string; grantIds?: string[] }) =>
      op === 'policy' ? answered.policy : op === 'live' ? liveness(answered.grant, grantIds) : answered.grant,
  };
  let announce: (payload: unknown, subject: string) => void = () => undefined;
  const bus = { listen: (_subject: string, listener: typeof announce) => ((announce = listener), () => undefined) };
  const upstream = {
    name: 's',
    identity: 'i',
    tools: async () => [DEFINITION],
    call: async (params: Record<string, unknown>, options: RequestOptions) => {
      reached.push(params);
      return upstreamCall ? upstreamCall(options) : ({ ok: true, result: '{"content":[]}' } as const);
    },
  };
  const readers = new PolicyReaders(owners as never);
  const leases = new LiveLeases(owners as never, bus);
  const requests = new GovernedRequests(
    new GuardedCalls(new Decisions(owners as never, readers), leases, makeLogger('test', 'silent')),
  );
  const calls = new ToolCalls({
    requests,
    views: new LeaseViews(owners as never, readers),
    pins: { find: async () => ({ identity: 'i', tools: { note: DEFINITION.digest } }) } as unknown as PinStore,
    validator: new ArgumentValidator(),
  });
  const call = (
    args: Record<string, unknown> = {},
    signal = new AbortController().signal,
    { approvalId, replaces }: { approvalId?: string; replaces?: string } = {},
  ) =>
    calls.call(
      CLAIMS,
      upstream as unknown as Upstream,
      {
        name: 'note',
        args,
        approvalId,
        replaces,
        onProgress: (params) => void progress.push(params),
        send: (options) => upstream.call({ name: 'note', arguments: args }, options),
      },
      signal,
    );
  const outcomes = async () => {
    await requests.settled();
    return commands.flatMap((each) => (each.type === 'settle' ? [each.outcome] : []));
  };
  return {
    call,
    commands,
    reached,
    outcomes,
    answered,
    announce: () => announce(undefined, 'bailiwick.event.default.0'),
    leases,
  };
}
const progress: object[] = [];
const codeOf = (answer: object): unknown =>
  'result' in answer
    ? (JSON.parse(answer.result as string) as { structuredContent?: { code?: string } }).structuredContent?.code
    : (answer as { error: { code: number } }).error.code;

describe('ToolCalls', () => {
  beforeEach(() => void progress.splice(0));

  it('states verb, resource and obligations itself, and the digest of the exact arguments', async () => {
    const { call, commands, reached } = world();
    await call({ to: 'ann' });
    expect(commands[0]).toMatchObject({
      type: 'authorize',
      actor: { kind: 'service', id: 'boundary' },
      proof: { vouched: true },
      action: { verb: 'note.send', tool: 'mcp__s__note' },
      resource: { type: 'mcp', id: 's/note' },
      understands: ['remove_fields', 'redact'],
    });
    expect(reached).toEqual([{ name: 'note', arguments: { to: 'ann' } }]);
  });

  it.each<[string, Decide, unknown]>([
    ['the decision point is down', () => Promise.reject(new Refused('NOT_READY', 'no owner')), 'NOT_READY'],
    ['the decision point refuses', () => ({ ok: false, refusal: { code: 'FORBIDDEN', detail: 'no' } }), 'FORBIDDEN'],
    ['it is denied', () => ({ ok: true, value: { ...PERMIT, decision: 'deny', policy: 1 } }), 'DENIED'],
  ])('makes no call if %s', async (_what, decide, code) => {
    const { call, reached } = world(decide);
    expect([codeOf(await call()), reached]).toEqual([code, []]);
  });

  it('settles a permit that another version of the policy gave for another verb, and decides again', async () => {
    let version = 1;
    const here = world(({ action }) => {
      if (action?.verb === 'note.send') version = 2;
      here.answered.policy = policy(version, version === 1 ? 'note.send' : 'note.publish');
      return { ok: true, value: { ...PERMIT, policy: version } };
    });
    expect(codeOf(await here.call())).toBeUndefined();
    expect(here.commands.map((each) => (each.type === 'authorize' ? each.action.verb : each.type))).toEqual([
      'note.send',
      'settle',
      'note.publish',
      'settle',
    ]);
    expect((await here.outcomes()).map(({ status }) => status)).toEqual(['failed', 'completed']);
    expect(here.reached).toHaveLength(1);
  });

  it('repeats an approval only for the same arguments, and forgets it once it is used', async () => {
    const approvalId = `apr_0_${ID}`;
    let isFirst = true;
    const { call, commands } = world(() => {
      const value = isFirst ? { ...PERMIT, decision: 'step-up', approvalId, policy: 1 } : { ...PERMIT, policy: 1 };
      isFirst = false;
      return { ok: true, value };
    });
    expect(codeOf(await call({ a: 1 }))).toBe('APPROVAL_NEEDED');
    for (const args of [{ a: 2 }, { a: 1 }, { a: 1 }]) await call(args);
    const used = commands.flatMap((each) => (each.type === 'authorize' ? [each.approvalId] : []));
    expect(used).toEqual([undefined, undefined, approvalId, undefined]);
  });

  it.each<[string, () => Promise<UpstreamAnswer>, unknown, string]>([
    ['is not reached', () => Promise.reject(new NotReached('it is down')), 'UPSTREAM_FAILED', 'failed'],
    ['dies and may have made the call', () => Promise.reject(new UpstreamGone('end')), 'UPSTREAM_FAILED', 'completed'],
    [
      'answers with more values than are read',
      () => Promise.reject(new TooManyValues()),
      'RESULT_WITHHELD',
      'completed',
    ],
    ['answers with an error', async () => ({ ok: false, error: { code: -7, message: 'no' } }), -7, 'failed'],
    ['reports a failure', async () => ({ ok: true, result: '{"isError":true}' }), undefined, 'failed'],
    [
      'sends more than is passed on',
      async () => ({ ok: true, result: JSON.stringify({ content: 'x'.repeat(5_000_000) }) }),
      'RESULT_WITHHELD',
      'completed',
    ],
  ])('reports one outcome if the upstream %s', async (_what, upstreamCall, code, status) => {
    const { call, outcomes } = world(permitting, upstreamCall);
    expect(codeOf(await call())).toBe(code);
    expect((await outcomes()).map((each) => each.status)).toEqual([status]);
  });

  it('states the permit that a call continues, and charges it even if it is not sent again', async () => {
    const replaces = `act_1_${ID}`;
    const { call, commands, outcomes } = world(permitting, () => Promise.reject(new NotReached('it is down')));
    await call({}, undefined, { replaces });
    expect(commands[0]).toMatchObject({ type: 'authorize', replaces });
    expect((await outcomes()).map(({ status }) => status)).toEqual(['completed']);
  });

  it('charges a call that ends with an error of its client', async () => {
    const answer = { ok: false, error: { code: -1, message: 'no' }, mayBeMade: true } as const;
    const { call, outcomes } = world(permitting, async () => answer);
    expect(codeOf(await call())).toBe(-1);
    expect((await outcomes()).map(({ status }) => status)).toEqual(['completed']);
  });

  it('charges a continued call that ends with its lease before it is sent, or whose policy changes', async () => {
    const replaces = `act_1_${ID}`;
    const stopped = world(async () => {
      stopped.leases.close();
      return permitting(undefined as never);
    });
    await stopped.call({}, undefined, { replaces });
    expect((await stopped.outcomes()).map(({ status }) => status)).toEqual(['completed']);
    let version = 1;
    const changed = world(() => {
      version += 1;
      changed.answered.policy = policy(version, `note.v${version}`);
      return { ok: true, value: { ...PERMIT, policy: version } };
    });
    await changed.call({}, undefined, { replaces });
    // each permit takes over what was done from the one before, and the last one is charged for it
    const asked = changed.commands.filter(({ type }) => type === 'authorize') as { replaces?: string }[];
    expect(asked.map((each) => each.replaces)).toEqual([replaces, PERMIT.actionId, PERMIT.actionId]);
    expect((await changed.outcomes()).map(({ status }) => status)).toEqual(['completed']);
  });

  /** A call that answers only when it is aborted. */
  const hanging = (options: RequestOptions) =>
    new Promise<UpstreamAnswer>((_resolve, reject) =>
      options.signal.addEventListener('abort', () => reject(new UpstreamGone('the call was aborted'))),
    );

  it('aborts the call if the client goes away, and charges it, since it may have been made', async () => {
    const client = new AbortController();
    const { call, outcomes } = world(permitting, hanging);
    const pending = call({}, client.signal);
    setImmediate(() => client.abort());
    await pending;
    expect((await outcomes()).map(({ status }) => status)).toEqual(['completed']);
  });

  it('aborts the call if its lease ends when a commit is announced, and records that it was aborted', async () => {
    const here = world(permitting, (options) => {
      here.answered.grant = { status: 'revoked' };
      setImmediate(here.announce);
      return hanging(options);
    });
    expect(codeOf(await here.call())).toBe('GRANT_NOT_LIVE');
    expect((await here.outcomes()).map(({ status }) => status)).toEqual(['completed']);
    const settled = here.commands.find(({ type }) => type === 'settle');
    expect(JSON.stringify(settled)).toContain('aborted: the lease of the run is no longer live');
    expect(here.leases.report()).toMatchObject([{ epoch: 0, aborted: [{ calls: 1 }] }]);
  });

  it('aborts the call if its tool is denied while its lease lives on, and records what denied it', async () => {
    const here = world(permitting, (options) => {
      here.answered.grant = { status: 'active', denies: PERMIT.actionId };
      setImmediate(here.announce);
      return hanging(options);
    });
    expect(codeOf(await here.call())).toBe('DENIED');
    expect((await here.outcomes()).map(({ status }) => status)).toEqual(['completed']);
    const settled = here.commands.find(({ type }) => type === 'settle');
    expect(JSON.stringify(settled)).toContain(`aborted: its tool or verb is no longer permitted: denied by ${DENIES}`);
    expect(here.leases.report()).toMatchObject([{ epoch: 0, aborted: [{ revocationId: DENIES, calls: 1 }] }]);
  });

  it('makes no call if its permit arrives after its denial was reported as enforced, and settles it as failed', async () => {
    const { call, answered, announce, reached, outcomes } = world(async () => {
      answered.grant = { status: 'active', denies: PERMIT.actionId };
      announce();
      await new Promise((resolve) => setImmediate(resolve));
      return permitting(undefined as never);
    });
    expect([codeOf(await call()), reached]).toEqual(['DENIED', []]);
    expect((await outcomes()).map(({ status }) => status)).toEqual(['failed']);
  });

  it('makes no call if its permit arrives after the end of its lease was reported as enforced', async () => {
    const { call, answered, announce, leases, reached, outcomes } = world(async () => {
      answered.grant = { status: 'revoked' };
      announce();
      await new Promise((resolve) => setImmediate(resolve)); // the answer about the lease overtakes the permit
      expect(leases.report()).toMatchObject([{ epoch: 0, inFlight: 0 }]);
      return permitting(undefined as never);
    });
    expect([codeOf(await call()), reached]).toEqual(['GRANT_NOT_LIVE', []]);
    expect((await outcomes()).map(({ status }) => status)).toEqual(['failed']);
  });

  it('passes on no field that the permit removes: not in an error, in progress, or in the preview of the log', async () => {
    const duty = { kind: 'remove_fields', fields: ['/email'] };
    const obliging: Decide = () => ({
      ok: true,
      value: { ...PERMIT, obligations: ['report-outcome', duty], policy: 1 },
    });
    const answers: UpstreamAnswer[] = [
      { ok: false, error: { code: -7, message: 'a@x', data: { email: 'a@x' } } },
      { ok: true, result: '{"content":[{"type":"text","text":"a@x"}]}' },
      { ok: true, result: '{"content":[],"structuredContent":{"email":"a@x","name":"a"}}' },
    ];
    const { call, commands, outcomes } = world(obliging, async ({ onProgress }) => {
      onProgress?.({ progress: 1, total: 2, message: 'a@x', email: 'a@x' });
      return answers.shift() as UpstreamAnswer;
    });
    const passed = [await call(), await call(), await call()];
    expect(passed.map(codeOf)).toEqual(['RESULT_WITHHELD', 'RESULT_WITHHELD', undefined]);
    expect(progress).toEqual([1, 2, 3].map(() => ({ progress: 1, total: 2 })));
    expect(await outcomes()).toHaveLength(3);
    expect(JSON.stringify([passed, commands])).not.toContain('a@x');
    expect(JSON.stringify(commands)).toContain('\\"name\\":\\"a\\"');
  });

  it('refuses a tool without an entry in the policy in force as unknown', async () => {
    const { call, answered, reached, commands } = world();
    answered.policy = { version: 0 };
    expect([codeOf(await call()), reached, commands]).toEqual([-32602, [], []]);
  });
});
