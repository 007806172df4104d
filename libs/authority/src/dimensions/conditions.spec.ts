import fc from 'fast-check';
import type { Condition, Scalar } from '@bailiwick/contracts/grant';
import { both, describeCondition, implies, satisfies } from './conditions';

fc.configureGlobal({ seed: 20260101 });

describe('a condition on an attribute', () => {
  it.each<[Condition, Scalar | undefined, boolean]>([
    [{ eq: 'a' }, 'a', true],
    [{ eq: 'a' }, 'A', false],
    [{ eq: 1 }, '1', false],
    [{ eq: 1 }, true, false],
    [{ in: ['a', 2] }, 2, true],
    [{ in: ['a', 2] }, '2', false],
    [{ in: [] }, 'a', false],
    [{ lte: 10 }, 10, true],
    [{ lte: 10 }, 11, false],
    [{ lte: 10 }, '5', false],
    [{ gte: 10, lte: 20 }, 15, true],
    [{ gte: 10, lte: 20 }, 9, false],
    [{ prefix: 'eu-' }, 'eu-west', true],
    [{ prefix: 'eu-' }, 'us-east', false],
    [{ prefix: '' }, 5, false],
    [{ eq: 'a', prefix: 'b' }, 'a', false],
    [{ lte: 10 }, undefined, false],
    [{ lte: 10 }, NaN, false],
    [{ lte: 10 }, -Infinity, false],
    [{ gte: 10 }, Infinity, false],
    [{ in: [NaN] }, NaN, false],
    [{}, 'a', false],
  ])('%j on %j: %s', (condition, value, holds) => {
    expect(satisfies(condition, value)).toBe(holds);
  });

  it.each<[Condition, Condition, boolean]>([
    [{ eq: 5 }, { lte: 10 }, true],
    [{ eq: 11 }, { lte: 10 }, false],
    [{ in: ['a', 'b'] }, { in: ['a', 'b', 'c'] }, true],
    [{ in: ['a', 'd'] }, { in: ['a', 'b', 'c'] }, false],
    [{ in: ['a', 'd'], prefix: 'a' }, { eq: 'a' }, true],
    [{ prefix: 'ab' }, { prefix: 'a' }, true],
    [{ prefix: 'a' }, { prefix: 'ab' }, false],
    [{ prefix: 'a' }, { eq: 'a' }, false],
    [{ lte: 5 }, { lte: 10 }, true],
    [{ gte: 5 }, { lte: 10 }, false],
    [{ lte: 5 }, { gte: 0, lte: 5 }, false],
    [{ gte: 5, lte: 5 }, { eq: 5 }, true],
    [{ gte: 6, lte: 5 }, { eq: 'anything' }, true], // admits nothing
    [{ prefix: 'a', lte: 5 }, { eq: 'anything' }, true], // admits nothing
    [{ eq: 'a', prefix: 'b' }, { eq: 'c' }, true], // admits nothing
    [{ lte: 5 }, { prefix: '' }, false],
    [{ lte: 5 }, {}, false], // nothing satisfies a condition without parts
    [{}, { lte: 5 }, true], // admits nothing
    [{ lte: NaN }, { lte: 5 }, false],
  ])('%j implies %j: %s', (narrow, wide, holds) => {
    expect(implies(narrow, wide)).toBe(holds);
  });

  it('has a human-readable description', () => {
    expect(describeCondition('amount', { gte: 1, lte: 5 })).toBe('amount is at least 1 and is at most 5');
    expect(describeCondition('region', { in: ['eu', 'us'] })).toBe('region is one of eu, us');
  });
});

const text = fc.constantFrom('', 'a', 'ab', 'abc', 'b');
const number = fc.constantFrom(-1, 0, 1, 1.5, 2);
const scalar: fc.Arbitrary<Scalar> = fc.oneof(text, number, fc.boolean());
const PARTS = ['in', 'eq', 'lte', 'gte', 'prefix'] as const;
/** Builds conditions of few parts: a condition with all parts is almost never satisfied. */
const condition: fc.Arbitrary<Condition> = fc
  .tuple(
    fc.record({ in: fc.array(scalar, { maxLength: 3 }), eq: scalar, lte: number, gte: number, prefix: text }),
    fc.subarray([...PARTS], { maxLength: 3 }),
  )
  .map(([all, parts]) => Object.fromEntries(parts.map((part) => [part, all[part]])));
/**
 * For every text that a condition may name: itself, a longer and a shorter one. For every number: itself and values
 * between.
 */
const VALUES: Scalar[] = [
  ...['', 'a', 'ab', 'abc', 'b'].flatMap((each) => [each, `${each}x`]),
  ...[-1e9, -2, -1, -0.5, 0, 0.5, 1, 1.25, 1.5, 1.75, 2, 3, 1e9],
  true,
  false,
];

describe('conditions against every value that matters', () => {
  const isExact = (rule: typeof implies) =>
    fc.property(condition, condition, (narrow, wide) => {
      const counterexample = VALUES.some((value) => satisfies(narrow, value) && !satisfies(wide, value));
      expect(rule(narrow, wide)).toBe(!counterexample);
    });

  it('are implied exactly', () => {
    fc.assert(isExact(implies), { numRuns: 5_000 });
  });

  it.each<[string, typeof implies]>([
    ['forgets lower bounds', (narrow, wide) => implies(narrow, { ...wide, gte: undefined })],
    [
      'treats a condition without parts as no condition',
      (narrow, wide) => Object.keys(wide).length === 0 || implies(narrow, wide),
    ],
    [
      'compares prefixes in the wrong direction',
      (narrow, wide) => implies({ ...narrow, prefix: wide.prefix }, { ...wide, prefix: narrow.prefix }),
    ],
  ])('detect a rule that %s', (_, broken) => {
    expect(fc.check(isExact(broken), { numRuns: 5_000 }).failed).toBe(true);
  });

  it('both hold for exactly the values that satisfy their meet', () => {
    fc.assert(
      fc.property(condition, condition, (a, b) => {
        const met = both(a, b);
        const wrong = VALUES.filter(
          (value) => (met !== undefined && satisfies(met, value)) !== (satisfies(a, value) && satisfies(b, value)),
        );
        expect(wrong).toEqual([]);
        if (met) expect([implies(met, a), implies(met, b)]).toEqual([true, true]);
      }),
      { numRuns: 5_000 },
    );
  });
});
