import { readDefinition } from './definition';
import { ArgumentValidator } from './validator';

const validator = new ArgumentValidator();
const check = (inputSchema: unknown, args: unknown) =>
  validator.problemWith(readDefinition(JSON.stringify({ name: 'x', inputSchema })), args);
const withPattern = (pattern: string) => ({ type: 'object', properties: { a: { type: 'string', pattern } } });

describe('ArgumentValidator', () => {
  it('distinguishes two patterns of one schema', () => {
    const schema = {
      type: 'object',
      properties: { a: { type: 'string', pattern: '^a+$' }, b: { type: 'string', pattern: '^b+$' } },
    };
    expect(check(schema, { a: 'aa', b: 'bb' })).toEqual({});
    expect(check(schema, { a: 'aa', b: 'aa' }).problem).toContain('pattern');
    expect(check(schema, { a: 'bb', b: 'bb' }).problem).toContain('pattern');
  });

  it('matches a pattern that a backtracking engine cannot', () => {
    expect(check(withPattern('^(a+)+$'), { a: `${'a'.repeat(20_000)}!` }).problem).toContain('pattern');
    expect(check(withPattern('^(a|a)*$'), { a: 'a'.repeat(1_000) })).toEqual({});
  });

  it.each<[string, unknown]>([
    ['refers to another address', { properties: { a: { $ref: 'https://example.com/schema.json' } } }],
    ['refers to a file', { $ref: 'file:///etc/passwd' }],
    ['refers to what it does not have', { $ref: '#/$defs/none' }],
    ['has a pattern that only a backtracking engine matches', withPattern('(?=a)b')],
    ['has another dialect', { $schema: 'https://example.com/dialect' }],
    ['is deeper than 32 levels', Array.from({ length: 40 }).reduce<object>((all) => ({ not: all }), {})],
    ['has more than 4,000 values', { enum: Array.from({ length: 5_000 }, (_, i) => i) }],
    ['is no object', true],
    ['is left out', undefined],
  ])('admits nothing by a schema that %s', (_what, schema) => {
    expect(check(schema, {}).fault).toContain('input schema');
  });

  it('ends the validation by references that branch without end', () => {
    const levels = Array.from({ length: 40 }, (_, i) => i);
    const $defs = Object.fromEntries(
      levels.map((i) => [
        `d${i}`,
        i === 39 ? { const: 1 } : { anyOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] },
      ]),
    );
    expect(check({ $defs, properties: { a: { $ref: '#/$defs/d0' } } }, { a: 2 }).fault).toContain('failed');
    expect(check({ $ref: '#' }, {}).fault).toBeDefined();
  });

  it.each<[string, object, unknown]>([
    ['a pattern with many states', withPattern('(a|aa){500}[bc]'), { a: 'a'.repeat(250_000) }],
    [
      'unique items',
      { properties: { a: { type: 'array', uniqueItems: true } } },
      { a: Array.from({ length: 9_000 }, (_, i) => [i]) },
    ],
  ])('ends a validation that takes long because of %s', (_what, schema, args) => {
    expect(check(schema, args).fault).toContain('timed out');
  });

  it.each(['http://json-schema.org/draft-07/schema#', 'https://json-schema.org/draft/2020-12/schema', undefined])(
    'reads schemas of the dialect %s',
    ($schema) => {
      const schema = { ...($schema === undefined ? {} : { $schema }), required: ['a'] };
      expect(check(schema, {}).problem).toContain("'a'");
      expect(check(schema, { a: 1 })).toEqual({});
    },
  );
});
