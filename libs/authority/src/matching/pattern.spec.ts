import fc from 'fast-check';
import { LIMITS } from '@bailiwick/core/limits';
import { collapse, matchesPath, matchesSegments, normalizePathPattern, normalizeResourceId } from './pattern';

fc.configureGlobal({ seed: 20260101 });

const idOf = (text: string): string | undefined => {
  const result = normalizeResourceId(text);
  return result.ok ? result.value : undefined;
};
const whyNot = (text: string): string => {
  const result = normalizePathPattern(text);
  return result.ok ? `accepted as ${result.value}` : result.error;
};

describe('the one spelling of a resource id', () => {
  it.each([
    ['acme/clord', 'acme/clord'],
    ['README.md', 'README.md'],
    ['.env', '.env'],
    ['a/...', 'a/...'],
    ['a b/c', 'a b/c'],
    ['e\u0301te', '\u00e9te'],
    ['Acme/Clord', 'Acme/Clord'],
    ['100%', '100%'],
    ['\u65e5\u672c/\u8a9e.txt', '\u65e5\u672c/\u8a9e.txt'],
  ])('takes %j', (text, id) => {
    expect(idOf(text)).toBe(id);
  });

  it.each([
    ['', /is empty/],
    ['/srv/x', /write srv\/x for the file \/srv\/x/],
    ['srv/x/', /ends with a slash/],
    ['a//b', /doubled slash/],
    ['a/./b', /segment \./],
    ['a/../b', /segment \.\./],
    ['..', /segment \.\./],
    ['https://example.com/x', /as host\/path/],
    ['a\\b', /backslash/],
    ['a%2fb', /percent-encoded/],
    ['a%2Fb', /percent-encoded/],
    ['a/%2e%2E/b', /percent-encoded/],
    ['a%5Cb', /percent-encoded/],
    ['a%252fb', /percent-encoded/],
    ['a%00', /percent-encoded/],
    ['a%0ab', /percent-encoded/],
    ['a%c0%afb', /percent-encoded/],
    ['a%u2215b', /percent-encoded/],
    ['a\u0000b', /invisible/],
    ['a\nb', /invisible/],
    ['a\u202eb', /invisible/],
    ['a\u200bb', /invisible/],
    ['a\u00adb', /invisible/],
    ['a\ufeffb', /invisible/],
    ['a\u3164b', /invisible/],
    ['a\ufe0fb', /invisible/],
    ['a\ud800b', /invisible/],
    ['a\ufffdb', /invisible/],
    ['a\u{e0041}b', /invisible/],
    ['a\uff0fb', /look-alike/],
    ['a\u2215b', /look-alike/],
    ['a/\uff0e\uff0e/b', /look-alike/],
    ['a/\u2025/b', /read as a separator/],
    ['a\u2100b', /read as a separator/],
    ['a\uff052fb', /read as a separator/],
    ['a/ b', /space/],
    ['a /b', /space/],
    ['a/\u3000/b', /space/],
    [`a/${'x'.repeat(LIMITS.segmentLength + 1)}`, /segment longer/],
    ['a/'.repeat(LIMITS.segmentsPerPattern) + 'a', /segments/],
    ['x'.repeat(LIMITS.resourceIdLength + 1), /longer/],
  ])('refuses %j', (text, why) => {
    expect(idOf(text)).toBeUndefined();
    expect(whyNot(text)).toMatch(why);
  });

  it('refuses wildcards in a concrete id', () => {
    expect(idOf('a/*')).toBeUndefined();
    expect(idOf('a/x*')).toBeUndefined();
  });

  it('is its own normal form, and that of no other id', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'A', '.', '/', '\\', '%2f', '\u0301', 'e', '\uff0f', ' ', '\u200b') }),
        (text) => {
          const id = idOf(text);
          if (id === undefined) return;
          expect(idOf(id)).toBe(id);
          expect(id).toBe(text.normalize('NFC'));
          expect(id.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..')).toBe(true);
        },
      ),
    );
  });
});

describe('a path pattern', () => {
  it.each([
    ['a/**', 'a/**'],
    ['**', '**'],
    ['a/**/**', 'a/**'],
    ['*/b', '*/b'],
  ])('takes %j', (text, pattern) => {
    expect(normalizePathPattern(text)).toEqual({ ok: true, value: pattern });
  });

  it.each(['src/*.ts', 'src/**.ts', 'a*', '***', 'a/b**/c'])(
    'refuses the partial wildcard %j and states what to write instead',
    (text) => {
      expect(whyNot(text)).toMatch(/mixes a wildcard with text.*name the folder/);
    },
  );

  it.each([
    ['a/*', 'a/b', true],
    ['a/*', 'a', false],
    ['a/*', 'a/b/c', false],
    ['a/**', 'a', true],
    ['a/**', 'a/b/c', true],
    ['a/**', 'ab', false],
    ['a/*/**', 'a', false],
    ['a/*/**', 'a/b', true],
    ['**/b', 'b', true],
    ['**/b', 'a/a/b', true],
    ['**/b', 'b/a', false],
    ['**/a/**/b', 'x/a/b', true],
    ['**/a/*/b', 'a/a/x/b', true],
    ['a/**', 'A/b', false],
    ['*', '', true],
  ])('%s on %s: %s', (pattern, id, matches) => {
    expect(matchesPath(pattern, id)).toBe(matches);
  });

  it('matches the same names as its regular expression', () => {
    const token = fc.constantFrom('a', 'b', '*', '**');
    const segment = fc.constantFrom('a', 'b', 'c');
    fc.assert(
      fc.property(fc.array(token, { maxLength: 6 }), fc.array(segment, { maxLength: 7 }), (pattern, segments) => {
        const parts = collapse(pattern).map((each) =>
          each === '**' ? '(?:[^/]+/)*' : each === '*' ? '[^/]+/' : `${each}/`,
        );
        const reference = new RegExp(`^${parts.join('')}$`).test(segments.map((each) => `${each}/`).join(''));
        expect(matchesSegments(pattern, segments)).toBe(reference);
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes at most pattern × segments steps on inputs that make backtracking explode', () => {
    const segments = Array<string>(LIMITS.segmentsPerPattern).fill('a');
    const pattern = [...Array<string[]>(15).fill(['**', 'a']).flat(), '**', 'b'];
    let reads = 0;
    const counting = new Proxy(pattern, { get: (target, key) => ((reads += 1), Reflect.get(target, key) as unknown) });
    expect(matchesSegments(counting, segments)).toBe(false);
    expect(reads).toBeLessThan(2 * pattern.length * segments.length);
  });
});
