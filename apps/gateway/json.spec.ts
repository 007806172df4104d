import * as fc from 'fast-check';
import { ambiguityIn } from './json';

fc.configureGlobal({ seed: 20260138 });

describe('JSON that one digest could not tell from another', () => {
  it.each([
    '9007199254740993',
    '{"account":9007199254740992}',
    '[-9007199254740993]',
    '{"a":[1,{"b":1e17}]}',
    '1e400',
    '1.00000000000000000001',
    '{"a":0.123456789012345678901}',
  ])('has a number that is read as another: %s', (text) => {
    expect(ambiguityIn(text)).toContain('cannot be kept as it is written');
  });

  it.each([
    '{"account":666,"account":1}',
    '{"a":{"b":[{"c":1,"d":2,"c":3}]}}',
    '{"to":"x","\\u0074o":"y"}',
    '{"":1,"":2}',
    '{"a":"\\"","b":",","a":1}',
  ])('has a member twice: %s', (text) => {
    expect(ambiguityIn(text)).toContain('stands twice');
  });

  it.each([
    '{}',
    '[]',
    '"a\\"b"',
    '{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}',
    '[0.1,-2.5e-3,1e3,9007199254740991,1.0]',
  ])('is not %s', (text) => {
    expect(ambiguityIn(text)).toBeUndefined();
  });

  it('is no JSON that a program writes of values it can keep, whatever strings are in it', () => {
    const number = fc.oneof(
      fc.integer(),
      fc.maxSafeInteger(),
      fc.float({ noNaN: true, noDefaultInfinity: true, min: -1000, max: 1000 }),
    );
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
