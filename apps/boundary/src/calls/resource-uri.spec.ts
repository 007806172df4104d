import fc from 'fast-check';
import { normalizeResourceId } from '@bailiwick/authority/matching/pattern';
import { readUri, resourceIdOf } from './resource-uri';

fc.configureGlobal({ seed: 20261131 });

/** Pieces of URIs, with several spellings of the same resource among them. */
const SEGMENTS = [
  ...['a', 'A', 'b', 'a.b', 'ab', '', '.', '..', '...', 'a:b', 'a:80', 'a:443', 'user@a', 'a?b', 'a?', 'a#b', 'a;b'],
  ...[
    '%2e',
    '%2E%2e',
    '%2f',
    'a%2Fb',
    '%61',
    '%41',
    '%C3%A9',
    '%c3%a9',
    '%zz',
    '%',
    '%00',
    '%252e',
    '%20',
    '%7Bx%7D',
    'a%3Ab',
    'a%3ab',
    '%e2%80%8b',
    '%FF',
    '100%',
  ],
  ...['é', 'e\u0301', 'ﬁ', '\u200b', '*', '**', '{x}', '{+x}', 'a\\b', 'a b', '\t', '\u0000', 'xn--a', 'a.'],
];
const USUAL = ['a', 'b', 'a.b', 'a:b', 'é', '%C3%A9', '%c3%a9', '{x}', '%7Bx%7D'];
const uris = fc
  .tuple(
    fc.constantFrom('test', 'db', 'file', 'http', 'https', 'Test', 'HTTP', 'a+b', ''),
    fc.constantFrom(':', '://', ':///', ':/', '://///', ''),
    fc.array(fc.oneof(fc.constantFrom(...USUAL), fc.constantFrom(...SEGMENTS)), { maxLength: 4 }),
    fc.constantFrom('', '', '/'),
  )
  .map(([scheme, slashes, segments, end]) => `${scheme}${slashes}${segments.join('/')}${end}`);

const idOf = (uri: string): string | undefined => {
  const read = readUri(uri);
  return read.ok ? resourceIdOf('s', read.value) : undefined;
};

/**
 * What a careless server makes of a URI: it parses it, decodes it twice, resolves it like a path, whatever its case, and
 * drops the user, the query, the fragment and the parameters of segments.
 */
function careless(uri: string): string {
  const href = URL.canParse(uri) ? new URL(uri).href : uri;
  let text = href;
  for (let i = 0; i < 2; i++)
    try {
      text = decodeURIComponent(text);
    } catch {
      break;
    }
  const named = text
    .normalize('NFC')
    .replaceAll('\\', '/')
    .replace(/[?#].*$/s, '')
    .replace(/;[^/]*/g, '')
    .replace(/^([^:/]*:\/\/)[^/]*@/, '$1');
  const [, scheme = '', rest = ''] = /^([^:]*):(.*)$/s.exec(named) ?? [];
  const path: string[] = [];
  for (const segment of rest.split('/')) {
    if (segment === '..') path.pop();
    else if (segment !== '.' && segment !== '') path.push(segment);
  }
  return `${scheme}:${/^\/*/.exec(rest)?.[0].length ?? 0}:${path.join('/')}`;
}

describe('the URI of a resource', () => {
  it.each<[string, string]>([
    ['notes://docs/key.pem#x.md', 'a fragment'],
    ['notes://mine/secret?x', 'a query'],
    ['notes://mine/secret;x', 'a ;'],
    ['notes:secret?x', 'a query'],
    ['notes:///secret#x', 'a fragment'],
    ['notes://u@mine/secret', 'a user'],
    ['notes://u:p@mine/secret', 'a user'],
    ['notes://u@', 'a user'],
  ])('is refused as %s, of which servers read a part as another resource', (uri, fault) => {
    const read = readUri(uri);
    expect(read.ok ? '' : read.error).toContain(fault);
  });

  it.each([
    'db://host:/secret',
    'db://host:05432/secret',
    'db://[0:0::1]/secret',
    'db://[::1',
    'db://a:b/x',
    'db://a^b/x',
  ])('is refused as %s, whose host or port has another spelling', (uri) => {
    const read = readUri(uri);
    expect(read.ok ? '' : read.error).toContain('another spelling');
  });

  it.each([
    'db:///secret',
    'db://host:5432/secret',
    'db://[::1]/secret',
    'db://{x}/é',
    'db://é/secret',
    'db://%C3%A9/x',
  ])('is admitted as %s, whose authority has one spelling', (uri) => {
    expect(readUri(uri).ok).toBe(true);
  });

  it('names the same authority as a server reads that parses it as the web does', () => {
    const part = fc.constantFrom(
      'host',
      'a.b',
      'A',
      '[',
      ']',
      '0',
      '1',
      ':',
      '::',
      '05432',
      '80',
      '443',
      'é',
      '%C3%A9',
      '{',
      '^',
      '127.1',
      '%5B',
      '.',
      '',
    );
    const written = fc
      .tuple(fc.constantFrom('db', 'test', 'x+y', 'file', 'http', 'wss'), fc.array(part, { maxLength: 5 }))
      .map(([scheme, host]) => ({ scheme, host: host.join('') }));
    let accepted = 0;
    fc.assert(
      fc.property(written, ({ scheme, host }) => {
        const uri = `${scheme}://${host}/x`;
        if (!readUri(uri).ok) return;
        accepted += 1;
        const read = new URL(uri);
        expect([decodeURIComponent(read.host), read.pathname, read.username]).toEqual([
          decodeURIComponent(host),
          '/x',
          '',
        ]);
      }),
      { numRuns: 8_000 },
    );
    expect(accepted).toBeGreaterThan(500);
  });

  it.each(['notes://mine/a@b', 'notes:///a@b', 'mailto:a@b'])(
    'may have an @ that precedes no host, as in %s',
    (uri) => {
      expect(readUri(uri).ok).toBe(true);
    },
  );

  it('is read as a resource in the normal form of the catalog, and the same as no URI that differs decoded', () => {
    const found = new Map<string, string>();
    fc.assert(
      fc.property(uris, (uri) => {
        const id = idOf(uri);
        if (id === undefined) return;
        // one without a normal form, such as that of a root, is refused by every owner
        const normal = normalizeResourceId(id);
        expect(normal.ok ? normal.value : id).toBe(id);
        expect(found.get(id) ?? decodeURIComponent(uri)).toBe(decodeURIComponent(uri));
        found.set(id, decodeURIComponent(uri));
      }),
      { numRuns: 8_000 },
    );
    expect(found.size).toBeGreaterThan(200);
  });

  it('is read as the same resource as each URI that a server reads as the same', () => {
    const found = new Map<string, string>();
    fc.assert(
      fc.property(uris, (uri) => {
        const id = idOf(uri);
        if (id === undefined) return;
        const read = careless(uri);
        expect([uri, found.get(read) ?? id]).toEqual([uri, id]);
        found.set(read, id);
      }),
      { numRuns: 8_000 },
    );
  });
});
