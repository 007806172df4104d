import { Refused } from '@bailiwick/edge/refused';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import { GovernedRequests, type Governed } from '../calls/governed';
import type { GuardedCalls } from '../calls/guarded-calls';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import { Announced } from './announced';

const { signal } = new AbortController();
const HALF = BOUNDARY_LIMITS.callMs / 2;

describe('what a server may announce to a client', () => {
  let now = 0;
  let outcome: boolean | undefined;
  let decided: string[];
  let during: () => void;
  let announced: Announced;
  const requests = {
    wouldPermit: async (_claims: unknown, { tool, resource }: Governed) => {
      decided.push(`${tool} ${resource.id}`);
      during();
      return outcome;
    },
  } as unknown as GovernedRequests;
  const after = (ms: number): void => void (now += ms);
  const again = () => announced.decideAgain(requests, {} as TokenClaims, signal);
  const passes = () => [announced.mayAnnounce('test://a'), announced.mayLog];

  beforeEach(() => {
    [now, outcome, decided, during] = [1_000, true, [], () => undefined];
    jest.spyOn(performance, 'now').mockImplementation(() => now);
    announced = new Announced('s');
    announced.subscribe('test://a');
    announced.log({ level: 'info' });
  });
  afterEach(() => void jest.restoreAllMocks());

  it('ends when its decision is as old as a call may be, whatever streams are open', () => {
    expect(passes()).toEqual([true, true]);
    after(2 * HALF - 1);
    expect(passes()).toEqual([true, true]);
    after(1);
    expect(passes()).toEqual([false, false]);
  });

  it('continues if it is decided again, once in half of that time', async () => {
    after(HALF - 1);
    await again();
    expect(decided).toEqual([]);
    after(1);
    await Promise.all([again(), again()]);
    expect(decided).toEqual(['resources/read s/resources/test/a', 'logging/setLevel s/logging']);
    after(2 * HALF - 1);
    expect(passes()).toEqual([true, true]);
    after(1);
    expect(passes()).toEqual([false, false]);
    await again(); // a client that comes back later has it again
    expect(passes()).toEqual([true, true]);
  });

  it('ends at once, and for good, if it would not be permitted', async () => {
    after(HALF);
    outcome = false;
    await again();
    expect(passes()).toEqual([false, false]);
    outcome = true;
    await again();
    expect([passes(), decided.length]).toEqual([[false, false], 2]);
  });

  it('lasts as long as its decision if there is no other, and is decided again with the next request', async () => {
    after(HALF);
    outcome = undefined;
    await again();
    expect(passes()).toEqual([true, true]);
    after(HALF);
    expect(passes()).toEqual([false, false]);
    outcome = true;
    await again();
    expect(passes()).toEqual([true, true]);
  });

  it('is what its client has decided since', async () => {
    after(HALF);
    during = () => announced.unsubscribe('test://a');
    await again();
    expect(passes()).toEqual([false, true]);
  });

  it('is not changed by a request to which the server does not agree', () => {
    announced.subscribe('test://a')();
    announced.log({ level: 'debug' })();
    expect(passes()).toEqual([true, true]);
    announced.subscribe('test://b')();
    expect(announced.mayAnnounce('test://b')).toBe(false);
  });
});

describe('GovernedRequests.wouldPermit', () => {
  const request = { server: 's', tool: 't', args: {}, resource: { type: 'mcp', id: 's/t' }, approvalId: undefined };
  it.each<[string, () => Promise<boolean>, boolean | undefined]>([
    ['a permit', () => Promise.resolve(true), true],
    ['a denial', () => Promise.resolve(false), false],
    ['a refusal', () => Promise.reject(new Refused('GRANT_NOT_LIVE', 'ended')), false],
    ['an owner that cannot be reached', () => Promise.reject(new Refused('NOT_READY', 'later')), undefined],
    ['a fault', () => Promise.reject(new Error('broken')), undefined],
  ])('takes %s for what it is, and never fails', async (_what, wouldPermit, expected) => {
    const requests = new GovernedRequests({ wouldPermit } as unknown as GuardedCalls);
    expect(await requests.wouldPermit({} as TokenClaims, { ...request, isCall: false })).toBe(expected);
  });
});
