import { ProblemError } from '../http/problem-error';
import { Renewal } from './renewal';

const MINUTE = 60_000;

describe('the renewal of a lease in the background', () => {
  beforeEach(() => jest.useFakeTimers({ now: 0 }));
  afterEach(() => jest.useRealTimers());
  const renewals: number[] = [];
  /** Renews for another hour each time. */
  const renewing = (until: number, failure?: Error): Renewal => {
    renewals.length = 0;
    return new Renewal(async () => {
      renewals.push(Date.now() / MINUTE);
      if (failure) throw failure;
      return Math.min(Date.now() + 60 * MINUTE, until);
    }, until);
  };

  it('renews when two thirds of the remaining time have passed, and not once the last end is reached', async () => {
    renewing(130 * MINUTE).plan(60 * MINUTE);
    await jest.advanceTimersByTimeAsync(300 * MINUTE);
    expect(renewals).toEqual([40, 80]);
  });

  it.each([
    ['is refused', new ProblemError(403, 'RENEWAL_NOT_ALLOWED', 'the lease above ends first')],
    ['does not reach the service', new TypeError('fetch failed')],
  ])('tries again while the lease lives if a renewal %s', async (_how, failure) => {
    renewing(130 * MINUTE, failure).plan(60 * MINUTE);
    await jest.advanceTimersByTimeAsync(300 * MINUTE);
    expect(renewals.length).toBeGreaterThan(3);
    expect(renewals.length).toBeLessThan(20);
    expect(renewals.at(-1)).toBeLessThan(60.1);
  });

  it('stops once the token has ended, and when it is stopped', async () => {
    renewing(130 * MINUTE, new ProblemError(401, 'UNAUTHENTICATED', 'ended')).plan(60 * MINUTE);
    await jest.advanceTimersByTimeAsync(300 * MINUTE);
    expect(renewals).toEqual([40]);
    jest.setSystemTime(0);
    const stopped = renewing(130 * MINUTE);
    stopped.plan(60 * MINUTE);
    stopped.stop();
    await jest.advanceTimersByTimeAsync(300 * MINUTE);
    expect(renewals).toEqual([]);
  });
});
