import { LIMITS } from '@bailiwick/core/limits';
import { readBody } from './json-body';

const read = (text: string): unknown => readBody(Buffer.from(text));
const MANY = LIMITS.httpBodyValues + 1;

describe('a body of more values than are looked at', () => {
  it.each<[string, string]>([
    ['empty strings', `{"labels":[${Array(MANY).fill('""').join(',')}]}`],
    ['empty objects', `{"labels":[${Array(MANY).fill('{}').join(',')}]}`],
    ['numbers', `[${Array(MANY).fill('0').join(',')}]`],
    ['members', `{${Array.from({ length: MANY }, (_, i) => `"k${i}":0`).join(',')}}`],
    ['nested lists', `${'['.repeat(MANY)}${']'.repeat(MANY)}`],
    ['nested objects', `${'{"a":'.repeat(MANY)}1${'}'.repeat(MANY)}`],
    [
      'many that are nested',
      `[${Array(Math.ceil(MANY / 10))
        .fill('[[[[[[[[[[]]]]]]]]]]')
        .join(',')}]`,
    ],
  ])('is refused: %s', (_what, text) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
  });

  it('is not one whose text only looks so', () => {
    const text = `,[{\\"`.repeat(MANY);
    expect(read(`{"a":"${text}"}`)).toEqual({ a: text.replaceAll('\\"', '"') });
    expect(read(`[${Array(LIMITS.httpBodyValues).fill('0').join(',')}]`)).toHaveLength(LIMITS.httpBodyValues);
  });
});
