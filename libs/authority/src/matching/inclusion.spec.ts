import fc from 'fast-check';
import { covers, folded, includes, overlaps, type Region, type Segments } from './inclusion';
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
function namesUpTo(length: number, segments = ['a', 'b', 'other']): string[][] {
  let last: string[][] = [[]];
  const all: string[][] = [];
  for (let i = 0; i < length; i++) {
    last = last.flatMap((name) => segments.map((segment) => [...name, segment]));
    all.push(...last);
  }
  return all;
}
const NAMES = namesUpTo(6).map((name) => `${name.join('/')}/`);

/** Builds the language by regular expression: shares no code with the unit under test. */
function languageOf(segments: Segments, names = NAMES): Set<string> {
  const parts = collapse(segments).map((each) =>
    each === '**' ? '(?:[^/]+/)*' : each === '*' ? '[^/]+/' : `${each}/`,
  );
  const expression = new RegExp(`^${parts.join('')}$`);
  return new Set(names.filter((name) => expression.test(name)));
}

describe('inclusion against every name of up to 6 segments', () => {
  type Includes = typeof includes;
  const agrees = (rule: Includes) =>
    fc.property(fc.array(pattern(4), { maxLength: 4 }), pattern(4), (parents, child) => {
      const covered = parents.map((each) => languageOf(each));
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
    expect(fc.check(agrees(broken), { numRuns: 3_000, endOnFailure: true }).failed).toBe(true);
  });
});

const spelledToken = fc.constantFrom('a', 'A', 'b', '*', '**', '1');
const spelledPattern = (maxLength: number) => fc.array(spelledToken, { minLength: 1, maxLength });
const region = (maxLength: number): fc.Arbitrary<Region> =>
  fc.record({ match: spelledPattern(maxLength), except: fc.array(spelledPattern(maxLength), { maxLength: 2 }) });
/** Names over the named segments, other spellings of them, and a segment that no pattern names. */
const SPELLED = namesUpTo(4, ['a', 'A', 'b', 'B', '1', '\uff11', 'other']).map((name) => `${name.join('/')}/`);

function namesIn({ match, except = [] }: Region): Set<string> {
  const lower = (text: string): string => text.normalize('NFKC').toLowerCase();
  const excluded = except.map((each) => languageOf(each.map(lower), [...new Set(SPELLED.map(lower))]));
  return new Set([...languageOf(match, SPELLED)].filter((name) => !excluded.some((names) => names.has(lower(name)))));
}

describe('inclusion of names with exceptions, against every name of up to 4 segments', () => {
  type Covers = typeof covers;
  const agrees = (rule: Covers) =>
    fc.property(fc.array(region(3), { maxLength: 3 }), region(3), (parents, child) => {
      const covered = parents.map(namesIn);
      const counterexample = [...namesIn(child)].some((name) => !covered.some((names) => names.has(name)));
      expect(rule(parents, child)).toBe(!counterexample);
    });

  it('is exact', () => {
    fc.assert(agrees(covers), { numRuns: 4_000 });
  });

  it.each<[string, Covers]>([
    [
      'forgets what a parent excludes',
      (parents, child) =>
        covers(
          parents.map(({ match }) => ({ match })),
          child,
        ),
    ],
    ['forgets what the child excludes', (parents, { match }) => covers(parents, { match })],
    ['checks one parent at a time', (parents, child) => parents.some((parent) => covers([parent], child))],
    [
      'requires the exceptions of each parent literally',
      (parents, child) =>
        covers(parents, child) &&
        parents.every(({ except = [] }) =>
          except.every((each) => (child.except ?? []).some((own) => own.join() === each.join())),
        ),
    ],
  ])('detects a rule that %s', (_, broken) => {
    expect(fc.check(agrees(broken), { numRuns: 4_000, endOnFailure: true }).failed).toBe(true);
  });

  it('returns false within bounded work if the exceptions are too intricate', () => {
    const far = (letter: string): string[] => ['**', letter, ...Array<string>(20).fill('*')];
    const except = Array.from({ length: 16 }, (_, i) => far(`s${i}`));
    expect(covers([{ match: ['**'], except }], { match: ['**'], except: except.map((each) => [...each, '*']) })).toBe(
      false,
    );
  });

  it('overlaps if some name is in both', () => {
    fc.assert(
      fc.property(pattern(4), pattern(4), (a, b) => {
        const both = [...languageOf(a)].some((name) => languageOf(b).has(name));
        // only ** matches the empty name, which is none
        const isEmptyName = [a, b].every((each) => each.every((segment) => segment === '**'));
        expect(overlaps(a, b)).toBe(both || isEmptyName);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the folded form of a segment', () => {
  const part = fc.oneof(
    fc.constantFrom('a', 'A', '.', ' ', ':', '::$DATA', ':$DATA', '$', '\u1e9e', '\u00df', '\u03aa\u0301'),
    fc.string({ unit: 'grapheme', maxLength: 2 }),
  );

  it('is not changed by folding again', () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const once = folded(parts.join(''));
        expect(folded(once)).toBe(once);
      }),
      { numRuns: 5_000 },
    );
  });
});
