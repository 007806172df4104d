import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import { makeLogger } from '@bailiwick/platform/logging';
import type { Decisions, UnreadCall } from './decisions';
import { GuardedCalls, IN_DOUBT, PermittedCall, type GuardedCall } from './guarded-calls';
import { LiveLeases } from './live-leases';

const CLAIMS = { tenant: 'default', grantId: `grt_0_${'0'.repeat(26)}` } as TokenClaims;
const CALL = { key: 'k', read: () => undefined } as GuardedCall;
const PERMIT = { decision: 'permit', actionId: 'act_1', reasons: [], obligations: [] };

/** Calls whose decisions and outcomes are answered when the test does it. */
function world() {
  const asked: { call: UnreadCall; permit: () => void }[] = [];
  const reports: { preview: string | undefined; done: () => void }[] = [];
  const decisions = {
    decide: (_claims: TokenClaims, call: UnreadCall) =>
      new Promise((resolve) => asked.push({ call, permit: () => resolve(PERMIT) })),
    settle: (_claims: TokenClaims, _id: string, { preview }: { preview?: string }) =>
      new Promise<void>((done) => reports.push({ preview, done })),
  };
  const leases = new LiveLeases({ query: () => new Promise(() => undefined) } as never, {
    listen: () => () => undefined,
  });
  const calls = new GuardedCalls(decisions as unknown as Decisions, leases, makeLogger('test', 'silent'));
  const begin = () => calls.begin(CLAIMS, CALL, new AbortController().signal);
  return { leases, calls, begin, asked, reports };
}
const turn = () => new Promise(setImmediate);

describe('GuardedCalls while the service stops', () => {
  it('decide no call that comes afterwards', async () => {
    const { leases, begin, asked } = world();
    leases.close();
    await expect(begin()).rejects.toMatchObject({
      code: 'NOT_READY',
      message: 'the call was not decided: the service is stopping',
    });
    expect(asked).toEqual([]);
  });

  it('wait for the outcomes of calls that are under way, and for none of later ones', async () => {
    const { leases, calls, begin, asked, reports } = world();
    const first = begin();
    asked[0]?.permit();
    const call = (await first) as PermittedCall;
    const deciding = begin();
    leases.close();
    void call.end(IN_DOUBT);
    let isSettled = false;
    const settled = calls.settled().then(() => (isSettled = true));
    reports[0]?.done();
    await turn();
    expect(isSettled).toBe(false); // the other one may be permitted
    asked[1]?.permit();
    expect(await deciding).toMatchObject({ code: 'NOT_READY' });
    expect(reports.map(({ preview }) => preview)).toEqual([
      'aborted: the service is stopping',
      'not made: the service is stopping',
    ]);
    await turn();
    expect(isSettled).toBe(false);
    reports[1]?.done();
    await settled;
  });

  it('end waiting although others end all the time', async () => {
    const { calls, begin, asked, reports } = world();
    const ended = async (at: number) => {
      const answer = begin();
      asked[at]?.permit();
      void ((await answer) as PermittedCall).end(IN_DOUBT);
    };
    await ended(0);
    const settled = calls.settled();
    await turn();
    await ended(1);
    reports[0]?.done();
    await settled;
    expect(reports).toHaveLength(2); // the second one is still being reported
  });
});
