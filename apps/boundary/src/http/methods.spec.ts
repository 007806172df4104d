import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import { makeLogger } from '@bailiwick/platform/logging';
import type { Decisions } from '../calls/decisions';
import { GovernedRequests } from '../calls/governed';
import { GuardedCalls } from '../calls/guarded-calls';
import { LiveLeases } from '../calls/live-leases';
import { Seals } from '../calls/seals';
import type { CallAnswer, RequestedCall } from '../calls/tool-calls';
import { Rounds } from '../sessions/rounds';
import type { Asker } from '../sessions/session';
import type { UpstreamAnswer } from '../upstream/connection';
import type { Asked } from './asked';
import { Methods, type MethodParts } from './methods';
import { STATELESS } from './revisions';

const GRANT = `grt_0_${'0'.repeat(26)}`;
const CLAIMS = { tenant: 'default', grantId: GRANT } as TokenClaims;
const PERMIT = { decision: 'permit', actionId: 'act_1', reasons: [], obligations: [] };
const INPUT = { name: { value: 'Ann' } };

/** A tool that asks its client for a name, with an owner of the lease that the test plays. */
function world() {
  const upstream: { aborted: boolean; got?: unknown } = { aborted: false };
  /** what happens while a call is decided */
  const during = { deciding: async (): Promise<object> => PERMIT };
  let isRevoked = false;
  const query = async ({ grantIds }: { grantIds: string[] }) => ({
    position: 1,
    ended: isRevoked ? grantIds.map((grantId) => ({ grantId })) : [],
    denied: [],
  });
  const leases = new LiveLeases({ query } as never, { listen: () => () => undefined });
  const outcomes: unknown[] = [];
  const decisions = {
    decide: () => during.deciding(),
    settle: async (_claims: TokenClaims, _id: string, outcome: object) => void outcomes.push(outcome),
  };
  const requests = new GovernedRequests(
    new GuardedCalls(decisions as unknown as Decisions, leases, makeLogger('test', 'silent')),
  );
  const session = {
    grantId: GRANT,
    tenant: 'default',
    upstream: { name: 's', tools: async () => [] },
    send: async (_method: string, _params: object, { signal }: { signal: AbortSignal }, asker: Asker) => {
      signal.addEventListener('abort', () => (upstream.aborted = true));
      upstream.got = await asker.ask({ id: 'x', key: 'name', method: 'elicitation/create', params: {} }, signal);
      return { ok: true, result: '{"content":[]}' } as UpstreamAnswer;
    },
  };
  const call = async (_claims: unknown, _upstream: unknown, { send }: RequestedCall, signal: AbortSignal) => {
    const request = { server: 's', tool: 't', args: {}, resource: { type: 'mcp', id: 's/t' }, approvalId: undefined };
    const outcome = await requests.run(CLAIMS, { ...request, send, isCall: true }, signal);
    if (!outcome || 'denial' in outcome) return { error: { code: -1, message: outcome?.denial.code ?? '' } };
    return (outcome.ok ? { result: outcome.result } : { error: outcome.error }) as CallAnswer;
  };
  const seals = new Seals('secret');
  const methods = new Methods({ calls: { call }, rounds: new Rounds(seals), seals } as unknown as MethodParts);
  const ask = async (more: object) => {
    const asked = {
      claims: CLAIMS,
      upstream: { name: 's' },
      revision: STATELESS,
      headers: {},
      capabilities: {},
      session,
      signal: new AbortController().signal,
    } as unknown as Asked;
    const answer = await methods.answer({ method: 'tools/call', id: 1, params: { name: 't', ...more } }, asked);
    return 'result' in answer ? (JSON.parse(answer.result) as Record<string, unknown>) : { error: answer.error };
  };
  const revoke = async () => {
    isRevoked = true;
    leases.look();
    await new Promise(setImmediate);
  };
  return { ask, during, upstream, outcomes, revoke, leases };
}

describe('a call in several rounds', () => {
  it('continues with the input of its client after another decision', async () => {
    const { ask, upstream, outcomes, leases } = world();
    const { requestState } = await ask({});
    expect(await ask({ requestState, inputResponses: INPUT })).toEqual({ resultType: 'complete', content: [] });
    expect([upstream.got, upstream.aborted]).toEqual([{ result: INPUT.name }, false]);
    expect(outcomes).toMatchObject([{ status: 'completed' }]);
    leases.look();
    expect(leases.report()).toMatchObject([{ inFlight: 0 }]);
  });

  it('is charged, and ends upstream, if the next decision denies it', async () => {
    const { ask, during, upstream, outcomes } = world();
    const { requestState } = await ask({});
    const permit = await during.deciding();
    during.deciding = () => Promise.resolve({ ...permit, decision: 'deny' });
    expect(await ask({ requestState, inputResponses: INPUT })).toMatchObject({ error: { message: 'DENIED' } });
    expect([upstream.got, upstream.aborted]).toEqual([undefined, true]);
    expect(outcomes).toMatchObject([{ status: 'completed' }]);
  });

  it('is aborted upstream if its lease ends between two rounds, while the next one is decided', async () => {
    const { ask, during, upstream, revoke, leases } = world();
    const { requestState } = await ask({});
    let seen: boolean | undefined;
    const before = during.deciding;
    during.deciding = async () => {
      await revoke();
      // what is reported as enforced now is
      seen = upstream.aborted;
      return before();
    };
    await ask({ requestState, inputResponses: INPUT });
    expect([seen, upstream.got]).toEqual([true, undefined]);
    expect(leases.report()).toMatchObject([{ epoch: 1, inFlight: 0 }]);
  });
});
