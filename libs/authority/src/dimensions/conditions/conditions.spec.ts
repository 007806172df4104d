import fc from 'fast-check';
import type { Condition, Scalar } from '@bailiwick/contracts/grants/grant';
import type { Attribute } from '@bailiwick/contracts/actions/action';
import { condition as conditionSchema } from '@bailiwick/contracts/grants/grant';
import { implies } from './inclusion';
import { both } from './meet';
import { describeCondition, operatorsOf, satisfies } from './operators';

fc.configureGlobal({ seed: 20260101 });

describe('a condition on an attribute', () => {
  it.each<[Condition, Attribute | undefined, boolean]>([
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
    [{ ne: 'a' }, 'b', true],
    [{ ne: 'a' }, 'a', false],
    [{ ne: 41 }, '41', false], // another type is not another value
    [{ ne: 'a' }, undefined, false],
    [{ ne: 'a' }, ['b'], false],
    [{ notIn: ['a', 'b'] }, 'c', true],
    [{ notIn: ['a', 'b'] }, 'b', false],
    [{ notIn: ['a', 1] }, 'c', false],
    [{ lt: 10 }, 10, false],
    [{ lt: 10 }, 9.5, true],
    [{ gt: 10 }, 10, false],
    [{ gt: 10, lt: 11 }, 10.5, true],
    [{ suffix: '.md' }, 'README.md', true],
    [{ suffix: '.md' }, 'README.mdx', false],
    [{ like: 'docs/*.md' }, 'docs/a/b.md', true],
    [{ like: 'docs/*.md' }, 'docs/.md', true],
    [{ like: 'docs/*.md' }, 'docs/a.md.exe', false],
    [{ like: 'a*b*c' }, 'aXbYbZc', true],
    [{ like: 'a' }, 'ab', false],
    [{ any: ['a', 'b'] }, ['x', 'b'], true],
    [{ any: ['a', 'b'] }, ['x'], false],
    [{ any: ['a', 'b'] }, [], false],
    [{ any: ['a'] }, 'a', false],
    [{ all: ['a', 'b'] }, ['a', 'b', 'a'], true],
    [{ all: ['a', 'b'] }, ['a', 'x'], false],
    [{ all: ['a', 'b'] }, [], false],
    [{ none: ['a', 'b'] }, ['x'], true],
    [{ none: ['a', 'b'] }, ['x', 'a'], false],
    [{ none: ['a', 'b'] }, [], true],
    [{ none: ['a'] }, [1], false],
    [{ none: ['a'] }, 'x', false],
    [{ eq: 'a' }, ['a'], false],
    [{ any: [NaN] }, [NaN], false],
    [{ none: [1] }, [Infinity], false],
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
    [{ gt: 3 }, { gt: 3, gte: NaN }, false],
    [{ lt: 5 }, { lte: 5 }, true],
    [{ lte: 5 }, { lt: 5 }, false],
    [{ lte: 5, ne: 5 }, { lt: 5 }, true],
    [{ gt: 5, lt: 5 }, { eq: 'anything' }, true],
    [{ eq: 'b' }, { ne: 'a' }, true],
    [{ lt: 5 }, { ne: 7 }, true],
    [{ lt: 5 }, { ne: 4 }, false],
    [{ ne: 'a' }, { ne: 'a' }, true],
    [{ ne: true }, { eq: false }, true],
    [{ prefix: 'b' }, { ne: 'a' }, true],
    [{ suffix: '.md' }, { like: '*.md' }, true],
    [{ like: '*.md' }, { suffix: '.md' }, true],
    [{ like: 'docs/*.md' }, { prefix: 'docs/', suffix: '.md' }, true],
    [{ prefix: 'ab', suffix: 'ba' }, { like: 'ab*ba' }, false], // aba
    [{ prefix: 'ab', suffix: 'ba', ne: 'aba' }, { like: 'ab*ba' }, true],
    [{ like: 'a*b*c' }, { like: 'a*c' }, true],
    [{ like: 'a*c' }, { like: 'a*b*c' }, false],
    [{ all: ['a'] }, { all: ['a', 'b'] }, true],
    [{ all: ['a'] }, { any: ['a', 'b'] }, true],
    [{ any: ['a'] }, { all: ['a'] }, false],
    [{ all: ['a', 'b'], none: ['b'] }, { all: ['a'] }, true],
    [{ none: ['a', 'b'] }, { none: ['a'] }, true],
    [{ none: ['a'] }, { none: ['a', 'b'] }, false],
    [{ none: ['a'] }, { any: ['b'] }, false],
    [{ all: ['b'] }, { none: ['a'] }, true],
    [{ any: ['a'], none: ['a'] }, { eq: 'anything' }, true],
    [{ none: ['a'] }, { ne: 'a' }, false],
    [{ none: [true], any: [false] }, { all: [false] }, true],
  ])('%j implies %j: %s', (narrow, wide, holds) => {
    expect(implies(narrow, wide)).toBe(holds);
  });

  it.each<[string, Condition]>([
    ['64 values, one of which is dropped', { in: Array.from({ length: 64 }, (_, i) => `${'0'.repeat(32)}-${i}`) }],
    ['64 elements, one of which is dropped', { all: Array.from({ length: 64 }, (_, i) => `person-${i}@example.com`) }],
  ])('of the largest size is compared: %s', (_, wide) => {
    const narrow = Object.fromEntries(Object.entries(wide).map(([name, values]) => [name, (values as []).slice(1)]));
    expect([implies(narrow, wide), implies(wide, narrow)]).toEqual([true, false]);
  });

  it('shows a value that is not one word in quotation marks if it is excluded', () => {
    expect(describeCondition('s', { notIn: ['secret, private'] })).toBe('s is none of “secret, private”');
    expect(describeCondition('s', { ne: 'a and is not b' })).toBe('s is not “a and is not b”');
  });

  it('has a human-readable description', () => {
    expect(describeCondition('amount', { gte: 1, lte: 5 })).toBe('amount is at least 1 and is at most 5');
    expect(describeCondition('region', { in: ['eu', 'us'] })).toBe('region is one of eu, us');
    expect(describeCondition('file', { prefix: 'docs/', suffix: '.md', ne: 'docs/x.md' })).toBe(
      'file is not docs/x.md, starts with docs/ and ends with .md',
    );
    expect(describeCondition('to', { all: ['a@x', 'b@x'], like: '*@x', gt: 1, lt: 2, any: ['c'], none: ['d'] })).toBe(
      'to is more than 1, is less than 2, has the form *@x, contains one of c, contains only a@x, b@x and contains none of d',
    );
  });
});

const text = fc.constantFrom('', 'a', 'ab', 'ba', 'b');
const number = fc.constantFrom(-1, 0, 1, 1.5, 2);
const scalar: fc.Arbitrary<Scalar> = fc.oneof(text, number, fc.boolean());
const scalars = fc.array(scalar, { maxLength: 3 });
const like = fc.array(fc.constantFrom('a', 'b', '*'), { maxLength: 4 }).map((parts) => parts.join(''));
const PARTS = {
  eq: scalar,
  ne: scalar,
  in: scalars,
  notIn: scalars,
  lt: number,
  lte: number,
  gt: number,
  gte: number,
  prefix: text,
  suffix: text,
  like,
  any: scalars,
  all: scalars,
  none: scalars,
};
type Part = keyof typeof PARTS;
/** Operators that one value can satisfy together, and all of them: a condition with all operators admits nothing. */
const KINDS: readonly (readonly Part[])[] = [
  ['eq', 'ne', 'in', 'notIn'],
  ['lt', 'lte', 'gt', 'gte', 'ne', 'notIn'],
  ['prefix', 'suffix', 'like', 'ne', 'notIn'],
  ['any', 'all', 'none'],
  Object.keys(PARTS) as Part[],
];
const conditionOf = (parts: readonly Part[]): fc.Arbitrary<Condition> =>
  fc
    .tuple(fc.record(PARTS), fc.subarray([...parts], { maxLength: 3 }))
    .map(([all, chosen]) => Object.fromEntries(chosen.map((part) => [part, all[part]])));
/** Two conditions of one kind, so that one often implies the other. */
const pair = fc.oneof(
  ...KINDS.map((parts) => fc.tuple(conditionOf(parts), conditionOf(parts))),
  fc.tuple(...([conditionOf(KINDS[4] as Part[]), conditionOf(KINDS[4] as Part[])] as const)),
);

const TEXTS = textsUpTo(6);
function textsUpTo(length: number): string[] {
  if (length === 0) return [''];
  const shorter = textsUpTo(length - 1);
  return [...new Set([...shorter, ...shorter.flatMap((each) => ['a', 'b', 'c'].map((next) => `${each}${next}`))])];
}
const NUMBERS = [-1e9, -2, -1, -0.5, 0, 0.5, 1, 1.25, 1.5, 1.75, 2, 3, 1e9];
const ELEMENTS: Scalar[] = ['', 'a', 'ab', 'ba', 'b', 'other', -1, 0, 1, 1.5, 2, 77, true, false];
/**
 * A universe in which two conditions of these parts differ if they differ at all: texts over the named letters and one
 * more, numbers at and between the bounds, and lists of up to two elements.
 */
const VALUES: Attribute[] = [
  ...TEXTS,
  ...NUMBERS,
  true,
  false,
  [],
  ...ELEMENTS.map((each) => [each]),
  ...ELEMENTS.flatMap((a) => ELEMENTS.map((b) => [a, b])),
];

describe('conditions against every value that matters', () => {
  const isExact = (rule: typeof implies) =>
    fc.property(pair, ([narrow, wide]) => {
      const counterexample = VALUES.some((value) => satisfies(narrow, value) && !satisfies(wide, value));
      expect(rule(narrow, wide)).toBe(!counterexample);
    });

  it('are implied exactly', () => {
    fc.assert(isExact(implies), { numRuns: 6_000 });
  });

  it.each<[string, typeof implies]>([
    ['forgets lower bounds', (narrow, wide) => implies(narrow, { ...wide, gte: undefined, gt: undefined })],
    ['reads < as <=', (narrow, { lt, ...wide }) => implies(narrow, lt === undefined ? wide : { ...wide, lte: lt })],
    ['forgets what a parent excludes', (narrow, wide) => implies(narrow, { ...wide, ne: undefined, notIn: undefined })],
    ['forgets that an empty list contains none', ({ none: _, ...narrow }, wide) => implies(narrow, wide)],
    [
      'treats a condition without parts as no condition',
      (narrow, wide) => operatorsOf(wide).length === 0 || implies(narrow, wide),
    ],
    [
      'compares prefixes in the wrong direction',
      (narrow, wide) => implies({ ...narrow, prefix: wide.prefix }, { ...wide, prefix: narrow.prefix }),
    ],
    [
      'compares like as text',
      (narrow, { like: form, ...wide }) => (form === undefined || narrow.like === form) && implies(narrow, wide),
    ],
  ])('detect a rule that %s', (_, broken) => {
    expect(fc.check(isExact(broken), { numRuns: 6_000, endOnFailure: true }).failed).toBe(true);
  });

  it('meet in values that satisfy both, and in all of them if one operand can express it', () => {
    fc.assert(
      fc.property(pair, ([a, b]) => {
        const met = both(a, b);
        const isBounded = (each: 'like' | 'any'): boolean => a[each] !== undefined && b[each] !== undefined;
        // only the empty list contains none of the values of two types
        const ofTwoTypes = new Set([...(a.none ?? []), ...(b.none ?? [])].map((each) => typeof each)).size > 1;
        const wrong = VALUES.filter((value) => {
          const [is, should] = [met !== undefined && satisfies(met, value), satisfies(a, value) && satisfies(b, value)];
          return isBounded('like') || isBounded('any') || ofTwoTypes ? is && !should : is !== should;
        });
        expect(wrong).toEqual([]);
        if (met) expect([implies(met, a), implies(met, b)]).toEqual([true, true]);
      }),
      { numRuns: 6_000 },
    );
  });
});

describe('a condition of a request', () => {
  it.each<[unknown, string]>([
    [{}, 'a condition needs one of eq, ne, in, notIn, lt, lte, gt, gte, prefix, suffix, like, any, all, none'],
    [{ eq: 'a', any: ['a'] }, 'no value satisfies operators on a list'],
    [{ notIn: ['a', 1] }, 'must be of one type'],
    [{ ne: true, notIn: ['a'] }, 'must be of one type'],
    [{ none: ['a', true] }, 'must be of one type'],
    [{ matches: '^a' }, 'matches'],
    [{ like: '' }, '1 character'],
  ])('%j is refused: %s', (value, message) => {
    const parsed = conditionSchema.safeParse(value);
    expect(JSON.stringify(parsed.error?.issues)).toContain(message);
  });
});
