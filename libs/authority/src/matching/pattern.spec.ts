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
    ['/', '/'],
    ['/todos/5', '/todos/5'],
    ['/todos/{todoId}', '/todos/{todoId}'],
    ['/srv/a b/c:d', '/srv/a b/c:d'],
    ['/100%', '/100%'],
    ['https://example.com/x', 'https://example.com/x'],
    ['HTTPS://Example.COM:443/X', 'https://example.com/X'],
    ['http://example.com:80/x', 'http://example.com/x'],
    ['http://example.com:443/x', 'http://example.com:443/x'],
    ['https://example.com', 'https://example.com'],
    ['https://example.com/', 'https://example.com'],
    ['https://127.0.0.1:8080/x', 'https://127.0.0.1:8080/x'],
    ['https://xn--bcher-kva.example/x', 'https://xn--bcher-kva.example/x'],
    ['https://example.com/caf%C3%A9', 'https://example.com/caf\u00e9'],
    ['https://example.com/cafe%CC%81', 'https://example.com/caf\u00e9'],
    ['https://example.com/a%20b/%7Bid%7D', 'https://example.com/a b/{id}'],
    ['https://example.com/a@b:c,d=e', 'https://example.com/a@b:c,d=e'],
    ['urn:isbn:1', 'urn:isbn:1'],
    ['arn:aws:s3:::bucket/key', 'arn:aws:s3:::bucket/key'],
  ])('takes %j', (text, id) => {
    expect(idOf(text)).toBe(id);
  });

  it.each([
    ['', /is empty/],
    ['//', /ends with a slash/],
    ['//host/x', /doubled slash/],
    ['/srv//x', /doubled slash/],
    ['/srv/../x', /segment \.\./],
    ['/..', /segment \.\./],
    ['/srv/x/', /ends with a slash/],
    ['/srv/x\\y', /backslash/],
    ['/todos/5?x=1', /query/],
    ['/todos/5\uff1fx=1', /read as a separator/],
    ['/todos/5#x', /fragment/],
    ['/todos;v=1/5', /parameters/],
    ['/todos/a%20b', /percent-encoding/],
    ['/todos/%2e%2e/b', /percent-encoded/],
    ['/todos/caf%C3%A9', /percent-encoding/],
    ['/app/.env::$DATA', /stream/],
    ['app/.env::$data', /stream/],
    ['app/secrets:$I30:$INDEX_ALLOCATION./key', /stream/],
    ['app/.env:\uff1a$DATA', /read as a separator/],
    ['srv/x/', /ends with a slash/],
    ['a//b', /doubled slash/],
    ['a/./b', /segment \./],
    ['a/../b', /segment \.\./],
    ['..', /segment \.\./],
    ['s3://bucket/key', /another scheme/],
    ['file:///etc/hosts', /another scheme/],
    ['file://localhost/etc/hosts', /another scheme/],
    ['javascript://example.com/x', /another scheme/],
    ['view-source:https://example.com/x', /another scheme/],
    ['https:/example.com/x', /two slashes/],
    ['https:example.com/x', /two slashes/],
    ['http:x', /two slashes/],
    ['https\uff1ax', /read as a separator/],
    ['\uff48ttp:x', /read as a separator/],
    ['https:///x', /no host/],
    ['https://', /no host/],
    ['https://?x', /no host/],
    ['https://user@example.com/x', /user or password/],
    ['https://user:secret@example.com/x', /user or password/],
    ['https://example.com%40evil.example/x', /letters, digits and hyphens/],
    ['https://example.com\\@evil.example/x', /backslash/],
    ['https://example.com./x', /dot after its host/],
    ['https://.example.com/x', /letters, digits and hyphens/],
    ['https://b\u00fccher.example/x', /xn--/],
    ['https://ex\u0430mple.com/x', /xn--/],
    ['https://\uff45xample.com/x', /xn--/],
    ['https://xn--example-.com/x', /xn--/],
    ['https://xn--.com/x', /xn--/],
    ['https://2130706433/x', /four decimal numbers/],
    ['https://0x7f.1/x', /four decimal numbers/],
    ['https://0x7f000001/x', /four decimal numbers/],
    ['https://127.1/x', /four decimal numbers/],
    ['https://0177.0.0.1/x', /four decimal numbers/],
    ['https://127.0.0.256/x', /four decimal numbers/],
    ['https://[::1]/x', /IPv6/],
    ['https://[::ffff:127.0.0.1]/x', /IPv6/],
    ['https://example.com:0443/x', /port/],
    ['https://example.com:/x', /port/],
    ['https://example.com:0/x', /port/],
    ['https://example.com:65536/x', /port/],
    ['https://example.com:80:80/x', /port/],
    ['https://example.com/x?y=1', /query/],
    ['https://example.com?y=1', /query/],
    ['https://example.com/x#y', /fragment/],
    ['https://example.com/x;v=1/y', /parameters/],
    ['https://example.com/..;/y', /parameters/],
    ['https://example.com/a/../b', /segment \.\./],
    ['https://example.com/./b', /segment \./],
    ['https://example.com//b', /doubled slash/],
    ['https://example.com/a/', /ends with a slash/],
    ['https://example.com/%2e%2e/b', /percent-encoded/],
    ['https://example.com/a%2Fb', /percent-encoded/],
    ['https://example.com/a%5Cb', /percent-encoded/],
    ['https://example.com/a%252Fb', /percent-encoded/],
    ['https://example.com/a%3Bb', /percent-encoded/],
    ['https://example.com/a%3Fb', /percent-encoded/],
    ['https://example.com/a%23b', /percent-encoded/],
    ['https://example.com/%61', /percent-encoded/],
    ['https://example.com/a%2Ab', /percent-encoded/],
    ['https://example.com/a%00', /percent-encoded/],
    ['https://example.com/a%0Ab', /percent-encoded/],
    ['https://example.com/a%C0%AFb', /not UTF-8|percent-encoded/],
    ['https://example.com/a%FF', /not UTF-8/],
    ['https://example.com/100%', /encodes nothing/],
    ['https://example.com/a%EF%BC%8Fb', /look-alike/],
    ['https://example.com/%E2%80%A5/b', /read as a separator/],
    ['https://example.com/a%E2%80%AEb', /invisible/],
    ['https://example.com/a%EF%BC%9Fb', /read as a separator/],
    ['https://example.com/%20a', /space/],
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
          const path = id.startsWith('/') ? id.slice(1) : id;
          expect(
            id === '/' || path.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..'),
          ).toBe(true);
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
    ['docs/*.md', 'docs/*.md'],
    ['release-*', 'release-*'],
    ['**/*.test.*', '**/*.test.*'],
    ['/todos/*', '/todos/*'],
    ['/**', '/**'],
    ['/**/**', '/**'],
    ['HTTPS://API.example.com:443/todos/*', 'https://api.example.com/todos/*'],
    ['https://**', 'https://**'],
    ['https://*/health', 'https://*/health'],
    ['https://*.Example.com/**', 'https://*.example.com/**'],
    ['https://*.example.com:8443/**', 'https://*.example.com:8443/**'],
    ['https://example.com/caf%C3%A9/*', 'https://example.com/caf\u00e9/*'],
  ])('takes %j', (text, pattern) => {
    expect(normalizePathPattern(text)).toEqual({ ok: true, value: pattern });
  });

  it.each<[string, RegExp]>([
    ['src/**.ts', /mixes \*\* with text.*\*\*\/\*\.md/],
    ['***', /mixes \*\* with text/],
    ['a/b**/c', /mixes \*\* with text/],
    ['src/.*', /another language/],
    ['src/e*\u0301', /accent after a \*/],
    ['https://ex*.com/x', /in its host/],
    ['https://*example.com/x', /in its host/],
    ['https://api.*.com/x', /in its host/],
    ['https://*.com*/x', /in its host/],
    ['https://*.1/x', /four decimal numbers/],
    ['*://example.com/x', /another scheme/],
    ['http*://example.com/x', /another scheme/],
    ['/todos/{id}', /braces/],
    ['/todos/:id', /route parameter/],
    ['https://example.com/%7Bid%7D', /braces/],
    ['https://example.com/todos?*', /query/],
  ])('refuses %j and states what to write instead', (text, why) => {
    expect(whyNot(text)).toMatch(why);
  });

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
    ['docs/*.md', 'docs/a.md', true],
    ['docs/*.md', 'docs/.md', true],
    ['docs/*.md', 'docs/a.MD', false],
    ['docs/*.md', 'docs/a.md/b', false],
    ['docs/*.md', 'docs/a.mdx', false],
    ['**/*.test.*', 'src/a/b.test.ts', true],
    ['a*b*c', 'abbc', true],
    ['a*b*c', 'acb', false],
    // each form is apart from the others
    ['**', '/a', false],
    ['**', '/', false],
    ['**', 'https://a/b', false],
    ['*/b', '/b', false],
    ['*/*/b', 'https://b', false],
    ['**/b', 'https://a/b', false],
    ['/**', 'a', false],
    ['/**', '/', true],
    ['/*', '/', false],
    ['/', '/', true],
    ['/*', '/a', true],
    ['/**', 'https://a', false],
    ['/todos/*', '/todos/5', true],
    ['/todos/*', 'todos/5', false],
    ['https://**', 'https://a', true],
    ['https://**', 'https://a/b/c', true],
    ['https://**', 'http://a', false],
    ['https://*', 'https://a', true],
    ['https://*/*', 'https://a', false],
    ['https://*.example.com/**', 'https://api.example.com/x', true],
    ['https://*.example.com/**', 'https://a.b.example.com/x', true],
    ['https://*.example.com/**', 'https://example.com/x', false],
    ['https://*.example.com/**', 'https://evilexample.com/x', false],
    ['https://*.example.com/**', 'https://api.example.com.evil.example/x', false],
    ['https://*.example.com/**', 'https://api.example.com:8443/x', false],
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
