import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import byOthers from 'canonicalize';
import { itWithShared } from '../../../test/support/shared';
import { CANONICAL_DEPTH, canonicalize } from './canonical';

fc.configureGlobal({ seed: 20260131 });

describe('canonical JSON (RFC 8785)', () => {
  itWithShared('vectors/rfc8785-jcs.json', 'writes all 6 vectors exactly', (path) => {
    const { cases } = JSON.parse(readFileSync(path, 'utf8')) as {
      cases: { name: string; input: string; output: string }[];
    };
    expect(cases).toHaveLength(6);
    for (const { name, input, output } of cases)
      expect([name, canonicalize(JSON.parse(input))]).toEqual([name, output]);
  });

  it('sorts by UTF-16 code units, not by code points and not as strings of digits', () => {
    // U+1F602 is D83D DE02: before U+FB33 by code units, after it by code points
    expect(canonicalize({ '\ufb33': 1, '😂': 2 })).toBe('{"😂":2,"\ufb33":1}');
    expect(canonicalize({ 10: 1, 9: 2, a: 3, A: 4 })).toBe('{"10":1,"9":2,"A":4,"a":3}');
  });

  // RFC 8785, appendix B: the bits of an IEEE 754 double, and how it is written
  it.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('writes the number of bits %s as %s', (bits, text) => {
    expect(canonicalize(Buffer.from(bits, 'hex').readDoubleBE(0))).toBe(text);
  });

  it('leaves out members that are undefined, and only those', () => {
    expect(canonicalize({ b: undefined, a: null, c: [] })).toBe('{"a":null,"c":[]}');
  });

  it('accepts plain objects however they were created, and one object several times', () => {
    const shared = { x: 1 };
    expect(canonicalize([shared, shared, Object.assign(Object.create(null), shared)])).toBe(
      '[{"x":1},{"x":1},{"x":1}]',
    );
    expect(canonicalize(JSON.parse('{"__proto__":1,"constructor":2}'))).toBe('{"__proto__":1,"constructor":2}');
  });

  class Thing {
    a = 1;
  }
  const cycle: { self?: unknown } = {};
  cycle.self = [cycle];

  const holes = [1, , 2];
  it.each<[string, unknown, string]>([
    ['undefined', undefined, 'undefined has no JSON representation'],
    ['undefined in an array', [undefined], 'undefined has no JSON representation'],
    ['a hole in an array', holes, 'undefined has no JSON representation'],
    ['NaN', { a: NaN }, 'NaN has no JSON representation'],
    ['an infinity', [-Infinity], '-Infinity has no JSON representation'],
    ['a bigint', 1n, 'a bigint has no JSON representation'],
    ['a function', { toJSON: () => 1 }, 'a function has no JSON representation'],
    ['a symbol', Symbol('s'), 'a symbol has no JSON representation'],
    ['a high surrogate alone', 'a\ud83d', 'lone surrogate'],
    ['a low surrogate alone', '\ude02a', 'lone surrogate'],
    ['surrogates the wrong way round', '\ude02\ud83d', 'lone surrogate'],
    ['a lone surrogate in a name', { '\ud800': 1 }, 'lone surrogate'],
    ['a cycle', cycle, 'contains itself'],
    ['a date', new Date(0), 'a Date has no JSON representation'],
    ['a map', new Map([[1, 2]]), 'a Map has no JSON representation'],
    ['bytes', Buffer.from('a'), 'a Buffer has no JSON representation'],
    ['an instance of a class', new Thing(), 'a Thing has no JSON representation'],
    ['a boxed string', new String('a'), 'a String has no JSON representation'],
  ])('refuses %s', (_, value, why) => {
    expect(() => canonicalize(value)).toThrow(TypeError);
    expect(() => canonicalize(value)).toThrow(why);
  });

  it('accepts nesting up to its limit and refuses deeper nesting', () => {
    const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));
    expect(canonicalize(nested(CANONICAL_DEPTH))).toBe('['.repeat(CANONICAL_DEPTH) + ']'.repeat(CANONICAL_DEPTH));
    expect(() => canonicalize(nested(CANONICAL_DEPTH + 1))).toThrow('more than 256 levels');
    expect(() => canonicalize(nested(100_000))).toThrow('more than 256 levels');
  });

  it('writes JSON of the same value, independent of the order of members', () => {
    const shuffled = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(shuffled);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, each]) => [key, shuffled(each)]),
      );
    };
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = canonicalize(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalize(JSON.parse(text))).toBe(text);
        expect(canonicalize(shuffled(value))).toBe(text);
      }),
    );
  });

  it('agrees with an independent implementation on numbers, surrogate pairs, the order of names and nesting', () => {
    const seen = { fractions: 0, exponents: 0, astral: 0, disordered: 0, nested: 0 };
    fc.assert(
      fc.property(HARD, (value) => {
        const text = canonicalize(value);
        expect(text).toBe(byOthers(value));
        if (/\d\.\d/.test(text)) seen.fractions++;
        if (/\de[+-]\d/.test(text)) seen.exponents++;
        if (/[\u{10000}-\u{10ffff}]/u.test(text)) seen.astral++;
        if (text !== JSON.stringify(value)) seen.disordered++;
        if (text.includes('{"') && /[[:][{[].*[[:][{[]/.test(text)) seen.nested++;
      }),
      { numRuns: 2_000 },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(100);
  });
});

/** Any finite double by its bits, so that all exponents are equally likely; `fc.double` prefers small numbers. */
const ANY_DOUBLE = fc
  .bigInt({ min: 0n, max: 2n ** 64n - 1n })
  .map((bits) => new Float64Array(BigUint64Array.of(bits).buffer)[0] as number)
  .filter(Number.isFinite);
/** Names that sort differently by code units, by code points and as numbers, and names with a meaning in JavaScript. */
const NAME = fc.oneof(
  fc.constantFrom('', '1', '10', '9', 'a', 'A', '\ufb33', '😂', '\u20ac', '\r', '__proto__', 'constructor', 'toString'),
  fc.string({ unit: 'grapheme', maxLength: 4 }),
  fc.string({ unit: 'binary', maxLength: 4 }),
);
const HARD = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.constantFrom(null, true, false, 0, -0, Number.MIN_VALUE, Number.MAX_VALUE, 1e21, 1e-7, 2 ** 53, 2 ** 53 + 2),
    ANY_DOUBLE,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    NAME,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(NAME, tie('value'), { maxKeys: 6, noNullPrototype: true }),
    fc.dictionary(NAME, tie('value'), { maxKeys: 6, noNullPrototype: false }),
  ),
})).value;
