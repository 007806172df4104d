import fc from 'fast-check';
import { includes, type Segments } from './inclusion';
import { collapse } from './pattern';

fc.configureGlobal({ seed: 20260101 });

const inside = (child: string, ...parents: string[]): boolean =>
  includes(
    parents.map((parent) => parent.split('/')),
    child.split('/'),
  );

describe('inclusion of one pattern in others', () => {
  it.each<[child: string, parents: string[], included: boolean]>([
    ['a/**', ['a/*/**'], false], // a itself
    ['a/*/**', ['a/**'], true],
    ['a/**', ['a', 'a/*/**'], true], // only the union covers it
    ['a/**', ['a', 'a/*', 'a/*/*/**'], true],
    ['a/**', ['a', 'a/*/*/**'], false], // a/x
    ['**/a/**', ['**'], true],
    ['**', ['**/a/**'], false],
    ['**', ['*/**'], true], // a name has at least one segment
    ['**', ['*', '*/*/**'], true],
    ['**', ['*/*/**'], false],
    ['**/a/**/a/**', ['**/a/**'], true],
    ['**/a/**', ['**/a/**/a/**'], false],
    ['**/a/**', ['a/**', '*/**/a/**'], true],
    ['**/a', ['a', '**/*/a'], true],
    ['*/b', ['a/*'], false],
    ['a/b', ['a/*'], true],
    ['a/*', ['a/b', 'a/c'], false], // there are other segments
    ['**/x', ['**/*'], true],
    ['a/**/b', ['a/**/c', 'a/b'], false],
    ['a/**/b', ['a/b', 'a/*/**/b'], true],
    ['a/*/c', ['a/b/*', 'a/*/c'], true],
    ['a', [], false],
    ['**', [], false],
    ['a', ['b', 'c'], false],
    ['**/a/b/**', ['**/a/**', '**/b/**'], true],
    ['**/a/**', ['**/a', '**/a/*/**'], true],
    ['*/*', ['a/*', '*/a'], false],
  ])('%s in %j: %s', (child, parents, included) => {
    expect(inside(child, ...parents)).toBe(included);
  });

  it('holds for a pattern in itself at any length', () => {
    const long = Array.from({ length: 32 }, (_, i) => (i % 3 === 0 ? '**' : i % 3 === 1 ? '*' : 'a')).join('/');
    expect(inside(long, long)).toBe(true);
  });

  it('returns false within bounded work if the patterns are too intricate', () => {
    // the automaton must remember where the last 24 `a` were: 2^24 states
    const far = ['**', 'a', ...Array<string>(24).fill('*')];
    expect(includes([far], ['x', ...far])).toBe(false);
    const many = Array.from({ length: 64 }, (_, i) => ['**', `s${i}`, ...Array<string>(20).fill('*'), '**', `t${i}`]);
    expect(includes(many, ['**', 'u', '**'])).toBe(false);
  });
});

const token = fc.constantFrom('a', 'b', '*', '**');
const pattern = (maxLength: number): fc.Arbitrary<string[]> => fc.array(token, { minLength: 1, maxLength });

/** Returns every name over a, b and a segment that no pattern names. */
function namesUpTo(length: number): string[][] {
  let last: string[][] = [[]];
  const all: string[][] = [];
  for (let i = 0; i < length; i++) {
    last = last.flatMap((name) => ['a', 'b', 'other'].map((segment) => [...name, segment]));
    all.push(...last);
  }
  return all;
}
const NAMES = namesUpTo(6).map((name) => `${name.join('/')}/`);

/** Builds the language by regular expression: shares no code with the unit under test. */
function languageOf(segments: Segments): Set<string> {
  const parts = collapse(segments).map((each) =>
    each === '**' ? '(?:[^/]+/)*' : each === '*' ? '[^/]+/' : `${each}/`,
  );
  const expression = new RegExp(`^${parts.join('')}$`);
  return new Set(NAMES.filter((name) => expression.test(name)));
}

describe('inclusion against every name of up to 6 segments', () => {
  type Includes = typeof includes;
  const agrees = (rule: Includes) =>
    fc.property(fc.array(pattern(4), { maxLength: 4 }), pattern(4), (parents, child) => {
      const covered = parents.map(languageOf);
      const counterexample = [...languageOf(child)].some((name) => !covered.some((names) => names.has(name)));
      expect(rule(parents, child)).toBe(!counterexample);
    });

  it('is exact', () => {
    fc.assert(agrees(includes), { numRuns: 3_000 });
  });

  it.each<[string, Includes]>([
    ['checks one parent at a time', (parents, child) => parents.some((parent) => includes([parent], child))],
    [
      'treats every segment as a named one',
      (parents, child) =>
        includes(
          parents.map((each) => each.map((t) => (t === 'a' ? '*' : t))),
          child,
        ),
    ],
    [
      'treats ** as one or more',
      (parents, child) =>
        includes(
          parents,
          child.flatMap((t) => (t === '**' ? ['*', '**'] : [t])),
        ),
    ],
  ])('detects a rule that %s', (_, broken) => {
    expect(fc.check(agrees(broken), { numRuns: 3_000 }).failed).toBe(true);
  });
});
