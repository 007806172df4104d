import * as fc from 'fast-check';
import { shareOf } from './shares';

fc.configureGlobal({ seed: 20260301 });

const cases = fc.tuple(fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 20 }), fc.nat(10_000));

describe('shareOf', () => {
  it('distributes all logs, with shares that differ by at most one', () => {
    fc.assert(
      fc.property(cases, ([names, logs]) => {
        const owners = [...names].sort();
        const shares = owners.map((me) => shareOf(me, owners, logs));
        expect(shares.reduce((sum, share) => sum + share, 0)).toBe(logs);
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('returns 0 for a process that takes no logs', () => {
    expect(shareOf('c', ['a', 'b'], 10)).toBe(0);
    expect(shareOf('c', [], 10)).toBe(0);
  });
});
