import fc from 'fast-check';
import { LIMITS } from '@bailiwick/core/limits';
import { addressesIn, addressesOf, NO_ADDRESS } from './addresses';

fc.configureGlobal({ seed: 20261201 });

const ofArgs = (args: unknown): string[] | string | undefined => {
  const found = addressesOf(args);
  return found.ok ? found.value : found.error;
};

describe('addresses in a text', () => {
  it.each<[string, string[]]>([
    ['Write to Ann.Lee@Example.com, please.', ['ann.lee@example.com']],
    ['(mailto:bob@mail.example.co.uk)', ['bob@mail.example.co.uk']],
    ['See https://Bit.ly/sUf7tOJ.', ['bit.ly/sUf7tOJ']],
    ['www.Example.com/', ['www.example.com']],
    ['read example.com/a/b?x=1, then stop', ['example.com/a/b?x=1']],
    ['http://user@evil.example/x', ['user@evil.example', 'user@evil.example/x']],
    ['https://ok.example/?to=https://evil.example', ['ok.example/?to=https://evil.example']],
    ['to DE89370400440532013000 with love', ['DE89370400440532013000']],
    ['DE89 3704 0044 0532 0130 00 with love', ['DE89370400440532013000']],
    ['AT61 1904 3002 3457 3201 next', ['AT611904300234573201']],
    ['us133000000121212121212', ['US133000000121212121212']],
    ['call +49 (30) 123-4567', ['+49301234567']],
    ['//evil.example/x', ['evil.example/x']],
    ['[bill](//evil.example/x)', ['evil.example/x']],
    ['ftp://evil.example/x', ['evil.example/x']],
    ['https:/evil.example, https:\\\\evil.example', ['evil.example']],
    ['http://[::1]/x', ['[::1]/x']],
    ['//3232235777/x', ['3232235777/x']],
    ['-www.evil.example', ['www.evil.example']],
    ['_www.evil.example_', ['www.evil.example']],
    ['/www.evil.example/x', ['www.evil.example/x']],
    ['...www.evil.example/x', ['www.evil.example/x']],
    ['read...evil.example/x', ['evil.example/x']],
  ])('%j has %j', (text, addresses) => {
    expect([...addressesIn(text)].sort()).toEqual(addresses);
  });

  it.each([
    'notes.txt',
    'version 1.2.3',
    '2024-05-15 10:00',
    'docs/a.md',
    './a.d/b',
    '/home/a.b/c',
    '7 // 2',
    '// a comment. Another one',
    'a@b',
    'in 2024 that were here',
    '3 + 4',
    '',
  ])('are none in %j', (text) => expect([...addressesIn(text)]).toEqual([]));

  it('are found wherever they are in a text', () => {
    const near = fc.stringMatching(/^[a-z ,.;:!?()'"\n-]{0,40}$/);
    // what is directly before and after: a letter would be a part of the address
    const [before, after] = [
      fc.constantFrom(
        '',
        ' ',
        '\n',
        '(',
        '[',
        '[bill](',
        '"',
        "'",
        '<',
        '*',
        '**',
        '_',
        '__',
        '-',
        '...',
        '/',
        '=',
        ',',
        ':',
      ),
      fc.constantFrom('', ' ', '\n', ')', ']', '"', "'", '>', '*', '**', '_', '__', '...', ',', ':', '?'),
    ];
    const address = fc.constantFrom(
      'eve@evil.example',
      'https://evil.example/x',
      'ftp://evil.example/x',
      '//evil.example/x',
      'http://[::1]/x',
      'www.evil.example',
      'www.evil.example/x',
      'US133000000121212121212',
    );
    fc.assert(
      fc.property(near, before, address, after, near, (text, start, each, end, more) => {
        const [only = 'no address'] = addressesIn(each);
        // what else it has on it makes it another address, which is not known either
        const found = [...addressesIn(`${text} ${start}${each}${end} ${more}`)];
        expect(found.filter((one) => one.includes(only))).not.toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    'a',
    'a.',
    'a@',
    '1 ',
    '+1',
    'AA00 ',
    'http://',
    'www.',
    '/',
    '@.',
    'AB12 ABCD ',
    '//',
    '//a',
    '..a',
    'http:/',
    '://[',
    '//[:',
    'www.a',
  ])('are searched for in linear time in a long text of %j: quadratic work would not end here', (piece) =>
    expect(addressesIn(piece.repeat(1_000_000 / piece.length)).size).toBeLessThan(3),
  );
});

describe('addresses in arguments', () => {
  it('are those of every text, of names and of nested members, each once and in one order', () => {
    const args = { to: ['b@example.com'], body: { text: 'B@example.com and a@example.com' }, 'c@example.com': 1 };
    expect(ofArgs(args)).toEqual(['a@example.com', 'b@example.com', 'c@example.com']);
  });

  it('are not known of arguments that are left out', () => {
    expect(ofArgs(undefined)).toBeUndefined();
  });

  it.each([{}, { a: 'no address', n: 5 }, null])('are stated to be none in %j', (args) => {
    expect(ofArgs(args)).toEqual([NO_ADDRESS]);
    expect([...addressesIn(NO_ADDRESS)]).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['too many', { a: Array.from({ length: LIMITS.valuesPerAttribute + 1 }, (_, i) => `a${i}@example.com`) }],
    ['too long', { a: `https://example.com/${'x'.repeat(LIMITS.nameLength)}` }],
    ['nested too deep', JSON.parse(`${'['.repeat(40)}"a@example.com"${']'.repeat(40)}`)],
  ])('are a fault if they are %s to be stated', (_, args) => {
    expect(addressesOf(args).ok).toBe(false);
  });
});
