import { ConcurrencyLimiter } from './concurrency-limiter';
import { Refused } from './refused';

describe('ConcurrencyLimiter', () => {
  const refused = (take: () => unknown): boolean => {
    try {
      take();
      return false;
    } catch (error) {
      return error instanceof Refused && error.code === 'TOO_MANY';
    }
  };

  it('refuses a request over the limit until a slot is released', () => {
    const limiter = new ConcurrencyLimiter(3, 3, 'requests');
    const releases = [limiter.take('a'), limiter.take('b'), limiter.take('a')];
    expect(refused(() => limiter.take('c'))).toBe(true);
    releases[1]?.();
    expect(refused(() => limiter.take('c'))).toBe(false);
    expect(refused(() => limiter.take('c'))).toBe(true);
  });

  it('bounds the slots of one tenant', () => {
    const limiter = new ConcurrencyLimiter(3, 2, 'requests');
    const releases = [limiter.take('a'), limiter.take('a')];
    expect(refused(() => limiter.take('a'))).toBe(true);
    expect(refused(() => limiter.take('b'))).toBe(false);
    releases[0]?.();
    expect(refused(() => limiter.take('a'))).toBe(false);
  });
});
