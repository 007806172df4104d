import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import type { GovernedRequests } from '../calls/governed';
import type { LeaseViews } from '../calls/lease-views';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import type { Upstream } from '../upstream/upstream';
import type { UpstreamAnswer } from '../upstream/connection';
import type { Asker, Session } from './session';
import { Sessions } from './sessions';

const ASKER: Asker = { ask: () => Promise.reject(new Error('not asked')), notify: () => undefined };
const VIEW = {
  limits: { actions: { allow: ['**'], deny: [] }, resources: [{ type: '*', match: '**' }] },
  reader: { entryOfTool: () => ({ verb: 's.use' }) },
};

describe('the separate connections of clients', () => {
  let sessions: Sessions;
  const closed: string[] = [];
  const answered: ((answer: UpstreamAnswer) => void)[] = [];
  const answering = () => new Promise<UpstreamAnswer>((resolve) => answered.push(resolve));
  const upstream = {
    name: 's',
    identity: 'i',
    separately: (side: { client: string }) => ({
      name: 's',
      close: () => void closed.push(side.client),
      request: answering,
      subscribe: answering,
    }),
  } as unknown as Upstream;
  const held = (client: string, grantId = 'grt_1', tenant = 'default') =>
    sessions.hold({ claims: { tenant, grantId } as TokenClaims, upstream, capabilities: {}, client });
  const of = async (client: string, grantId?: string, tenant?: string) => {
    const { session, release } = await held(client, grantId, tenant);
    release();
    return session;
  };
  beforeEach(() => {
    closed.length = 0;
    sessions = new Sessions({ of: () => Promise.resolve(VIEW) } as unknown as LeaseViews, {} as GovernedRequests);
  });
  afterEach(() => sessions.close());

  it('go to the next client of a run when the one that has been idle for the longest time has its place', async () => {
    const streams: (() => void)[] = [];
    for (let i = 0; i < BOUNDARY_LIMITS.sessionsPerLease; i++)
      streams.push((await of(`c${i}`))!.attach(ASKER, 'stream'));
    await expect(of('next')).rejects.toThrow('too many clients');
    streams[3]?.();
    streams[1]?.();
    await of('c3'); // is used again
    expect((await of('next'))?.client).toBe('next');
    expect(closed).toEqual(['c1']);
    expect((await of('c3'))?.client).toBe('c3');
  });

  it('decide again what they announce when their client comes back', async () => {
    const run = jest.fn(async (..._request: unknown[]) => ({ denial: { code: 'DENIED' } }));
    const wouldPermit = jest.fn(async (..._request: unknown[]) => false);
    sessions = new Sessions(
      { of: () => Promise.resolve(VIEW) } as unknown as LeaseViews,
      { run, wouldPermit } as never,
    );
    const session = await of('c1');
    void session?.subscribe({ uri: 'test://a' }, { signal: new AbortController().signal });
    const now = performance.now();
    jest.spyOn(performance, 'now').mockReturnValue(now + BOUNDARY_LIMITS.callMs / 2);
    await of('c1');
    jest.restoreAllMocks();
    expect(wouldPermit.mock.calls.map(([, request]) => request)).toMatchObject([
      { tool: 'resources/read', server: 's' },
    ]);
    expect(run).not.toHaveBeenCalled();
  });

  it('are not taken from a client while a request of it is in flight, from before it is decided until it is answered', async () => {
    const ends: (() => void)[] = [];
    for (let i = 0; i < BOUNDARY_LIMITS.sessionsPerLease; i++) ends.push((await held(`c${i}`)).release);
    await expect(of('next')).rejects.toThrow('too many clients');
    ends[2]?.();
    ends[2]?.(); // a second end ends no other request
    const again = await held('c2');
    ends[2]?.();
    await expect(of('next')).rejects.toThrow('too many clients');
    expect(closed).toEqual([]);
    again.release();
    expect((await of('next'))?.client).toBe('next');
    expect(closed).toEqual(['c2']);
  });

  it('stay with a request that is sent without a way to ask its client, and with one that is subscribed', async () => {
    const busy = (await of('c0')) as Session;
    const one = busy.send('tools/call', {}, { signal: new AbortController().signal, isReduced: false });
    const subscribing = (await of('c1')) as Session;
    const other = subscribing.subscribe({ uri: 'test://a' }, { signal: new AbortController().signal });
    for (let i = 2; i < BOUNDARY_LIMITS.sessionsPerLease; i++) await of(`c${i}`);
    await of('next');
    answered.forEach((answer) => answer({ ok: true, result: '{}' }));
    await Promise.all([one, other]);
    await of('last');
    expect(closed).toEqual(['c2', 'c3']);
    expect([busy.isIdle, subscribing.isIdle]).toEqual([true, true]);
  });

  /** Opens as many as a tenant may have, of leases with as many each as they may have. @returns what ends the uses of them */
  const fill = async (tenant: string) => {
    const releases: (() => void)[] = [];
    for (let i = 0; i < BOUNDARY_LIMITS.sessionsPerTenant; i++) {
      const lease = Math.floor(i / BOUNDARY_LIMITS.sessionsPerLease);
      releases.push((await held(`${tenant}-${i}`, `grt_${lease}`, tenant)).release);
    }
    return releases;
  };
  const tenants = Array.from(
    { length: BOUNDARY_LIMITS.sessions / BOUNDARY_LIMITS.sessionsPerTenant },
    (_, i) => `tenant${i}`,
  );

  it('are at most a part of all for one tenant, which gives way within itself, and never while they are in use', async () => {
    const releases = await fill('large');
    await expect(of('next', 'grt_new', 'large')).rejects.toThrow('too many clients');
    expect((await of('small', 'grt_1', 'small'))?.client).toBe('small');
    releases[5]?.();
    releases[2]?.();
    expect((await of('next', 'grt_new', 'large'))?.client).toBe('next');
    expect(closed).toEqual(['large-5']);
  });

  it('are taken from the tenants that have the most when all are full, and never from one that has less', async () => {
    const [first = [], second = []] = await Promise.all(tenants.map(fill));
    await expect(of('next', 'grt_1', 'small')).rejects.toThrow('too many clients');
    second[7]?.();
    first[9]?.();
    for (const client of ['s1', 's2']) expect((await of(client, 'grt_1', 'small'))?.client).toBe(client);
    expect([...closed].sort()).toEqual(['tenant0-9', 'tenant1-7']);
    // what a smaller tenant does not use is no place for a larger one, which gives way within itself
    await expect(of('next', 'grt_new', 'tenant1')).rejects.toThrow('too many clients');
    second[8]?.();
    expect((await of('next', 'grt_new', 'tenant1'))?.client).toBe('next');
    expect(closed.at(-1)).toBe('tenant1-8');
  });

  it('end with their client, which is then unknown', async () => {
    await of('leaves');
    await of('leaves', 'grt_2');
    sessions.end({ claims: { grantId: 'grt_1' } as TokenClaims, upstream, capabilities: {}, client: 'leaves' });
    expect([closed, sessions.hasEnded('leaves'), sessions.hasEnded('other')]).toEqual([['leaves'], true, false]);
  });
});
