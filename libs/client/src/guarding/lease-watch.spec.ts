import type { GrantView } from '@bailiwick/contracts/grants/grant';
import { ProblemError } from '../http/problem-error';
import { LeaseWatch } from './lease-watch';

type Lease = Pick<GrantView, 'status' | 'blockedBy'>;

describe('the watch of a lease', () => {
  beforeEach(() => jest.useFakeTimers({ now: 0 }));
  afterEach(() => jest.useRealTimers());
  let lease: Lease | Error = { status: 'active' };
  let readings = 0;
  const watching = (): LeaseWatch => {
    lease = { status: 'active' };
    readings = 0;
    return new LeaseWatch(async () => {
      readings += 1;
      if (lease instanceof Error) throw lease;
      return lease;
    });
  };
  const pass = (ms: number): Promise<unknown> => jest.advanceTimersByTimeAsync(ms);

  it('reads the lease only while a call is in flight, unless its signal is in use', async () => {
    const watch = watching();
    const call = watch.hold();
    await pass(2_000);
    call.release();
    call.release();
    await pass(1_000);
    const before = readings;
    await pass(60_000);
    expect([before > 0, readings]).toEqual([true, before]);
    watch.always();
    await pass(2_000);
    expect(readings).toBe(before + 4);
  });

  it.each([
    ['revoked', { status: 'revoked' }],
    ['completed', { status: 'completed' }],
    ['expired', { status: 'expired' }],
    ['revoked', { status: 'active', blockedBy: { grantId: 'grt_1', status: 'revoked' } }],
    ['expired', new ProblemError(401, 'UNAUTHENTICATED', 'the token has ended')],
    ['expired', new ProblemError(404, 'NOT_FOUND', 'no such grant')],
  ])('aborts for good with %s if it reads %j', async (end, found) => {
    const watch = watching();
    const { signal } = watch.hold();
    lease = found as Lease;
    await pass(500);
    expect(signal.reason).toMatchObject({ end });
    expect(watch.hold().signal).toBe(signal);
    const before = readings;
    await pass(60_000);
    expect(readings).toBe(before);
  });

  it('aborts what is in flight when the lease or one above it is suspended, and later calls have another signal', async () => {
    const watch = watching();
    const { signal } = watch.hold();
    lease = { status: 'active', blockedBy: { grantId: 'grt_1', status: 'suspended' } };
    await pass(500);
    expect(signal.reason).toMatchObject({ code: 'LEASE_SUSPENDED' });
    lease = { status: 'active' };
    const later = watch.hold().signal;
    await pass(60_000);
    expect(later.aborted).toBe(false);
  });

  it.each(['exhausted', 'superseded'] as const)('leaves permitted calls alone once the lease is %s', async (status) => {
    const watch = watching();
    const { signal } = watch.hold();
    lease = { status };
    await pass(60_000);
    expect(signal.aborted).toBe(false);
  });

  it('aborts what is in flight if the lease cannot be read for ten seconds', async () => {
    const watch = watching();
    const { signal } = watch.hold();
    lease = new TypeError('fetch failed');
    await pass(9_000);
    expect(signal.aborted).toBe(false);
    await pass(2_000);
    expect(signal.reason).toMatchObject({ code: 'LEASE_UNREACHABLE' });
  });

  it('aborts shortly before the end of the lease, and later if the lease is renewed', async () => {
    const watch = watching();
    const { signal } = watch.hold();
    watch.expiresAt(60_000);
    await pass(50_000);
    watch.expiresAt(120_000);
    await pass(60_000);
    expect(signal.aborted).toBe(false);
    await pass(9_000);
    expect(signal.reason).toMatchObject({ code: 'LEASE_EXPIRED' });
    expect(Date.now()).toBeLessThan(120_000);
  });
});
