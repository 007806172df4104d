import fc from 'fast-check';
import { LIMITS } from '@bailiwick/core/limits';
import { isLeftOut } from './exception';
import { canMeet, matchesGlob } from './glob';
import { allowance, covers, foldedLetters, overlaps, type Region } from './inclusion';
import { matchesPath } from './pattern';

fc.configureGlobal({ seed: 20260101 });

type Written = Readonly<{ match: string; except: readonly string[] }>;
const regionOf = ({ match, except }: Written): Region => ({
  match: match.split('/'),
  except: except.map((each) => each.split('/')),
});

/** Returns every text of 1 to `length` characters of an alphabet. */
function textsUpTo(length: number, alphabet: readonly string[]): string[] {
  let last = [''];
  const all: string[] = [];
  for (let i = 0; i < length; i++) {
    last = last.flatMap((text) => alphabet.map((character) => text + character));
    all.push(...last);
  }
  return all;
}

/** One segment over named letters, another case of one, a dot, a second form of a letter, and one that none names. */
const SEGMENTS = textsUpTo(5, ['a', 'A', 'b', '.', 'z']).concat(textsUpTo(3, ['a', 'b', '.', '\uff41', '\uff22', 'z']));
const SHORT = textsUpTo(2, ['a', 'A', 'b', '.', 'z']).concat('\uff41', '\uff22');
const PATHS = [...SHORT, ...SHORT.flatMap((one) => SHORT.map((other) => `${one}/${other}`))];

/** Matches by regular expression; shares no code with the units under test. */
function oracle({ match, except }: Written): (name: string) => boolean {
  const source = (pattern: string, tail: string): RegExp => {
    const parts = pattern.split('/').map((token) => {
      if (token === '**') return '(?:[^/]+/)*';
      if (token === '*') return '[^/]+/';
      const text = token.replace(/[.]/g, '\\.').replace(/\*/g, '[^/]*');
      return `${text}${tail}/`;
    });
    return new RegExp(`^${parts.join('')}$`, 'u');
  };
  const lower = (text: string): string => text.normalize('NFKC').toLowerCase();
  const shorn = (text: string): string => text.replace(/(?<=[^/.])\.+(?=\/|$)/g, '');
  const own = source(match, '');
  const excluded = except.map((each) => {
    const folded = shorn(lower(each));
    const dotsOnly = folded.split('/').some((token) => /^\.+$/.test(token));
    return source(folded, dotsOnly ? '' : '\\.*');
  });
  return (name) => own.test(`${name}/`) && !excluded.some((each) => each.test(`${lower(name)}/`));
}

const token = fc.constantFrom('a*', '*a', 'A*', '*b', 'a*b', '*a*', '*.a', 'a.*', '*.*', 'a', 'A', 'ab', 'a.b', '*');
const excepted = fc.array(token, { maxLength: 2 });
const written = fc.record({ match: token, except: excepted });
const short = fc.constantFrom('a*', '*a', 'A*', '*b', '.*', 'a', 'A', 'ab', '*', '**');
const path = fc.array(short, { minLength: 1, maxLength: 2 }).map((tokens) => tokens.join('/'));
const writtenPath = fc.record({ match: path, except: fc.array(path, { maxLength: 1 }) });

const roomy = (): ReturnType<typeof allowance> => allowance(50);
type Covers = (parents: readonly Region[], child: Region) => boolean;
const exact: Covers = (parents, child) => covers(parents, child, roomy());

const agrees = (
  rule: Covers,
  of: fc.Arbitrary<Written>,
  names: readonly string[],
  most: number,
  seen = { inside: 0, outside: 0 },
) =>
  fc.property(fc.array(of, { maxLength: most }), of, (parents, child) => {
    const [wide, narrow] = [parents.map(oracle), oracle(child)];
    const counterexample = names.find((name) => narrow(name) && !wide.some((each) => each(name)));
    seen[counterexample === undefined ? 'inside' : 'outside'] += 1;
    const message = JSON.stringify({ parents, child, counterexample });
    expect([message, rule(parents.map(regionOf), regionOf(child))]).toEqual([message, counterexample === undefined]);
  });

describe('a glob in a segment', () => {
  it.each<[string, string, boolean]>([
    ['*.md', 'a.md', true],
    ['*.md', '.md', true],
    ['*.md', 'a.mdx', false],
    ['release-*', 'release-1', true],
    ['release-*', 'release-', true],
    ['release-*', 'Release-1', false],
    ['*a*a*', 'aa', true],
    ['*a*a*', 'a', false],
  ])('%s matches %s: %s', (glob, segment, matches) => {
    expect(matchesGlob(glob, segment)).toBe(matches);
    expect(canMeet(glob, segment)).toBe(matches);
  });

  it('covers, and leaves out, the same names as its regular expression', () => {
    fc.assert(
      fc.property(writtenPath, fc.constantFrom(...PATHS), (each, name) => {
        expect(matchesPath(each.match, name) && !isLeftOut(each.except, name)).toBe(oracle(each)(name));
      }),
      { numRuns: 20_000 },
    );
  });

  it('leaves out every spelling of a name that a system may treat as that name', () => {
    for (const name of ['x.md', 'X.MD', 'x.md.', 'x.md. .', '\uff58.\uff4d\uff44'])
      expect(isLeftOut(['**/*.md'], `docs/${name}`)).toBe(true);
    expect(isLeftOut(['**/*.md'], 'docs/x.mdx')).toBe(false);
    expect(isLeftOut(['SECRET*'], 'secrets')).toBe(true);
    expect(isLeftOut(['stra\u00dfe*'], 'STRASSE-1')).toBe(true);
    expect(isLeftOut(['/secret*/**'], 'secrets/x')).toBe(false); // an absolute path
    expect(isLeftOut(['/secret*/**'], '/Secrets/x')).toBe(true);
    expect(isLeftOut(['https://a/secret*'], 'http://a/secret')).toBe(false); // another scheme
  });
});

describe('inclusion of patterns with globs', () => {
  it.each<[child: Written, parents: Written[], inside: boolean]>([
    [of('docs/*.md'), [of('docs/*')], true],
    [of('docs/*'), [of('docs/*.md')], false],
    [of('docs/readme.md'), [of('docs/*.md')], true],
    [of('docs/README.MD'), [of('docs/*.md')], false],
    [of('src/**/*.test.ts'), [of('**/*.ts')], true],
    [of('src/**/*.ts'), [of('**/*.test.ts')], false],
    [of('release-1*'), [of('release-*')], true],
    [of('a*'), [of('a'), of('a*a'), of('a*b')], false],
    [of('a*b'), [of('a*'), of('*b')], true],
    [of('*a*'), [of('a*'), of('*b*')], false],
    [of('*ab*'), [of('*a*')], true],
    [of('*'), [of('*a*'), of('*b*')], false],
    [of('docs/*.md'), [of('docs/**', 'docs/*.txt')], true],
    [of('docs/*.md'), [of('docs/**', 'docs/secret*')], false],
    [of('docs/*.md', 'docs/secret*'), [of('docs/**', 'docs/secret*')], true],
    [of('docs/*.md', 'docs/s*'), [of('docs/**', 'docs/secret*')], true],
    [of('docs/*.md', 'docs/SECRET*'), [of('docs/**', 'docs/secret*')], true],
    [of('docs/*.md', 'docs/secret-*'), [of('docs/**', 'docs/secret*')], false],
    [of('docs/public-*'), [of('docs/**', 'docs/secret*')], true],
    [of('docs/*', 'docs/*.md'), [of('docs/*', 'docs/*.md')], true],
    [of('docs/*'), [of('docs/*', 'docs/*.md'), of('docs/*.md')], false], // docs/x.MD is in neither
    [of('docs/1'), [of('docs/*', 'docs/*.md')], true],
    [of('**', '**/*.md/**'), [of('**', '**/*.md')], true],
    [of('**', '**/*.md'), [of('**', '**/*.md/**')], false],
    [of('gr\u00f6\u00dfe-*'), [of('gr\u00f6\u00dfe*')], true],
    [of('gr\u00f6\u00dfe-*'), [of('**', 'gr*')], false],
    [of('ab'), [of('**', 'a\uff0a')], false], // folded, the exception is a glob
  ])('%j in %j: %s', (child, parents, inside) => {
    expect(covers(parents.map(regionOf), regionOf(child))).toBe(inside);
  });

  it('is exact for one segment, against every segment of up to 5 characters', () => {
    const seen = { inside: 0, outside: 0 };
    fc.assert(agrees(exact, written, SEGMENTS, 2, seen), { numRuns: 1_500 });
    expect(Math.min(seen.inside, seen.outside)).toBeGreaterThan(100);
  });

  it('is exact for paths, against every path of up to 2 short segments', () => {
    const seen = { inside: 0, outside: 0 };
    fc.assert(agrees(exact, writtenPath, PATHS, 2, seen), { numRuns: 1_500 });
    expect(Math.min(seen.inside, seen.outside)).toBeGreaterThan(100);
  });

  it.each<[string, Covers]>([
    [
      'takes a glob for the text it is',
      (parents, child) => {
        const literally = (tokens: readonly string[]) => tokens.map((each) => each.replace(/(?!^)\*|^\*(?!$)/g, '+'));
        const plain = ({ match, except = [] }: Region) => ({ match: literally(match), except: except.map(literally) });
        return exact(parents.map(plain), plain(child));
      },
    ],
    [
      'forgets what a parent leaves out',
      (parents, child) =>
        exact(
          parents.map(({ match }) => ({ match })),
          child,
        ),
    ],
    ['forgets what the child leaves out', (parents, { match }) => exact(parents, { match })],
    ['checks one parent at a time', (parents, child) => parents.some((parent) => exact([parent], child))],
  ])('detects a rule that %s', (_, broken) => {
    expect(fc.check(agrees(broken, written, SEGMENTS, 2), { numRuns: 1_500, endOnFailure: true }).failed).toBe(true);
  });

  it('overlaps if some name is in both', () => {
    fc.assert(
      fc.property(path, path, (a, b) => {
        const [one, other] = [a, b].map((match) => oracle({ match, except: [] })) as [IsIn, IsIn];
        const both = PATHS.some((name) => one(name) && other(name));
        if (both) expect(overlaps(a.split('/'), b.split('/'))).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('takes little of the allowance for globs of a common kind', () => {
    const work = allowance();
    const except = ['**/*.pem', '**/*.key', '**/secret*', '**/.env*'];
    expect(covers([regionOf(of('**', ...except))], regionOf(of('src/**/*.ts', ...except, '**/*.d.ts')), work)).toBe(
      true,
    );
    expect(LIMITS.inclusionWork - work.left).toBeLessThan(LIMITS.inclusionWork / 2);
  });

  it('returns false within bounded work if the globs are too intricate', () => {
    const far = (letter: string): string => `*${letter}${'a*b'.repeat(20)}`;
    const parents = Array.from({ length: 16 }, (_, i) => of(far(`s${i}`)));
    const child = of('*', ...parents.map(({ match }) => `${match}*`));
    const work = allowance();
    expect(covers(parents.map(regionOf), regionOf(child), work)).toBe(false);
    expect(work.left).toBeLessThan(0);
    expect(covers([regionOf(of('a*', 'a*b'))], regionOf(of('a*c')), work)).toBe(false);
  });

  it('folds letters to the same form twice', () => {
    expect(foldedLetters(foldedLetters('\u1e9eA\uff21'))).toBe(foldedLetters('\u1e9eA\uff21'));
  });
});

type IsIn = (name: string) => boolean;

function of(match: string, ...except: string[]): Written {
  return { match, except };
}
