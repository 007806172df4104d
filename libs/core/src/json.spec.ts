import * as fc from 'fast-check';
import { ambiguityIn, exceedsDepth, literalsIn } from './json';

fc.configureGlobal({ seed: 20260138 });

const members = (n: number): string => Array.from({ length: n }, (_, i) => `"m${i}":{"m${i}":${i}}`).join(',');

describe('ambiguityIn', () => {
  it.each<[string, string]>([
    ['9007199254740993', 'the body'],
    ['{"account":9007199254740993}', 'account'],
    ['{"account":9007199254740993.0}', 'account'],
    ['[0,-9007199254740993]', '[1]'],
    ['{"a":[1,{"b":"x","c":[[],123456789012345678]}]}', 'a[1].c[1]'],
    ['{"a":{},"odd name":1e400}', '["odd name"]'],
    ['{"a":{"b":1},"":-1e400}', '[""]'],
    ['1e-400', 'the body'],
    ['4.9e-324', 'the body'],
    ['9007199254740991.4e0', 'the body'],
    ['0.10000000000000001', 'the body'],
    ['1.00000000000000000001', 'the body'],
    ['{"a":"}","b":0.123456789012345678901}', 'b'],
  ])('has a number that is read as another: %s', (text, where) => {
    const [place, what] = (ambiguityIn(text) ?? '').split(': ');
    expect([place, what]).toEqual([where, expect.stringMatching(/^the number .* cannot be kept as it is written/)]);
  });

  it.each<[string, string]>([
    ['{"account":666,"account":1}', 'account'],
    ['{"a":{"b":[{"c":1,"d":2,"c":3}]}}', 'a.b[0].c'],
    ['{"to":"x","\\u0074o":"y"}', 'to'],
    ['{"":1,"":2}', '[""]'],
    ['{"a":"\\"","b":",","a":1}', 'a'],
    ['{"a":"\\\\","b":"\\\\\\"","a":1}', 'a'],
    [`{${members(40)},"m0":1}`, 'm0'],
    [`{${members(40)},"m39":1}`, 'm39'],
    [`{"in":{${members(17)}},"b":1,"in":2}`, 'in'],
    ['[{"a\\n.b":[],"a\\n.b":1}]', '[0]["a\\n.b"]'],
  ])('has a member twice: %s', (text, where) => {
    expect(ambiguityIn(text)).toBe(`${where} occurs twice in one object`);
  });

  it.each([
    '{}',
    '[]',
    '"a\\"b"',
    '{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}',
    '[0.1,-2.5e-3,1e3,9007199254740991,1.0]',
    '[0,-0,0.00,0e400,-0.0E-400]',
    '[9007199254740992,1e17,1E+21,100000000000000000000000,5e-324,1.7976931348623157e308]',
    '[0.30000000000000004,120e-1,0.00120e+2]',
  ])('is not %s', (text) => {
    expect(ambiguityIn(text)).toBeUndefined();
  });

  it('is looked for in a time that grows with the text alone', () => {
    const zeros = '0'.repeat(200_000);
    expect(ambiguityIn(`1${zeros}1`)).toBeDefined();
    expect(ambiguityIn(`0.${zeros}1${zeros}1`)).toBeDefined();
    expect(ambiguityIn(`1.${zeros}`)).toBeUndefined();
    expect(ambiguityIn(JSON.stringify('\\"'.repeat(100_000)))).toBeUndefined();
    expect(ambiguityIn(JSON.stringify('\\'.repeat(200_000)))).toBeUndefined();
    expect(ambiguityIn(`{${members(20_000)}}`)).toBeUndefined();
  });

  it('is no JSON that a program writes of values it can keep, whatever strings are in it', () => {
    const number = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double({ noNaN: true, noDefaultInfinity: true }));
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        number,
        fc.string({ unit: 'grapheme' }),
        fc.boolean(),
        tie('list'),
        tie('object'),
      ),
      list: fc.array(tie('value'), { maxLength: 4 }),
      object: fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
    }));
    fc.assert(
      fc.property(value, (each) => {
        for (const text of [JSON.stringify(each), JSON.stringify(each, null, 2)])
          expect([text, ambiguityIn(text)]).toEqual([text, undefined]);
      }),
    );
  });

  it('is found wherever a member is put in twice', () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), fc.jsonValue({ maxDepth: 2 }), (name, one, other) => {
        const key = JSON.stringify(name);
        const safe = (value: unknown): unknown => (typeof value === 'number' ? 1 : value);
        const text = `[{${key}:${JSON.stringify(safe(one))},"x y z":0,${key}:${JSON.stringify(safe(other))}}]`;
        expect(ambiguityIn(text)).toBeDefined();
      }),
    );
  });
});

describe('exceedsDepth', () => {
  const depthOf = (value: unknown): number =>
    typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;

  it('counts the levels of lists and objects, and no brackets of texts', () =>
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), fc.boolean(), (value, isSpaced) => {
        const read = JSON.parse(JSON.stringify(value)) as unknown;
        const text = JSON.stringify(value, null, isSpaced ? 1 : 0);
        expect(exceedsDepth(text, depthOf(read))).toBe(false);
        if (depthOf(read) > 0) expect(exceedsDepth(text, depthOf(read) - 1)).toBe(true);
      }),
    ));
});

describe('literalsIn', () => {
  it('returns all texts, names of members and numbers, the numbers as they are written', () => {
    const text = '{"a\\u0062":[1.50,-2e+9,"x\\"y",true],"ab":{"":9007199254740993}}';
    expect(literalsIn(text)).toEqual(['ab', '1.50', '-2e+9', 'x"y', 'ab', '', '9007199254740993']);
  });
});
