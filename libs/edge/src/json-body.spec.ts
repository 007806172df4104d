import { LIMITS } from '@bailiwick/core/limits';
import { readBody } from './json-body';

const read = (text: string): unknown => readBody(Buffer.from(text));
const MANY = LIMITS.httpBodyValues + 1;

describe('readBody: bodies with too many values', () => {
  it.each<[string, string]>([
    ['empty strings', `{"labels":[${Array(MANY).fill('""').join(',')}]}`],
    ['empty objects', `{"labels":[${Array(MANY).fill('{}').join(',')}]}`],
    ['numbers', `[${Array(MANY).fill('0').join(',')}]`],
    ['members', `{${Array.from({ length: MANY }, (_, i) => `"k${i}":0`).join(',')}}`],
    ['nested lists', `${'['.repeat(MANY)}${']'.repeat(MANY)}`],
    ['nested objects', `${'{"a":'.repeat(MANY)}1${'}'.repeat(MANY)}`],
    [
      'many short nested lists',
      `[${Array(Math.ceil(MANY / 10))
        .fill('[[[[[[[[[[]]]]]]]]]]')
        .join(',')}]`,
    ],
  ])('refuses %s', (_case, text) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
  });

  it('accepts a text that contains many brackets and commas', () => {
    const text = `,[{\\"`.repeat(MANY);
    expect(read(`{"a":"${text}"}`)).toEqual({ a: text.replaceAll('\\"', '"') });
    expect(read(`[${Array(LIMITS.httpBodyValues).fill('0').join(',')}]`)).toHaveLength(LIMITS.httpBodyValues);
  });
});
