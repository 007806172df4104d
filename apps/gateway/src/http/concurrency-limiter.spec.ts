import { ConcurrencyLimiter } from './concurrency-limiter';
import { Refused } from './problem';

describe('places', () => {
  const refused = (take: () => unknown): boolean => {
    try {
      take();
      return false;
    } catch (error) {
      return error instanceof Refused && error.code === 'TOO_MANY';
    }
  };

  it('are as many as there are, and there again once they are given back', () => {
    const places = new ConcurrencyLimiter(3, 3, 'requests');
    const back = [places.take('a'), places.take('b'), places.take('a')];
    expect(refused(() => places.take('c'))).toBe(true);
    back[1]?.();
    expect(refused(() => places.take('c'))).toBe(false);
    expect(refused(() => places.take('c'))).toBe(true);
  });

  it('are not all taken by one tenant', () => {
    const places = new ConcurrencyLimiter(3, 2, 'requests');
    const back = [places.take('a'), places.take('a')];
    expect(refused(() => places.take('a'))).toBe(true);
    expect(refused(() => places.take('b'))).toBe(false);
    back[0]?.();
    expect(refused(() => places.take('a'))).toBe(false);
  });
});
