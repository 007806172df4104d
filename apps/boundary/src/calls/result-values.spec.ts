import fc from 'fast-check';
import { valueDigests } from '@bailiwick/core/value-digests';
import { LIMITS } from '@bailiwick/core/limits';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import { valuesOfResult, valuesOfText } from './result-values';

const IBAN = 'DE89370400440532013000';
const has = (values: string[] | undefined, value: string): boolean =>
  valueDigests([value]).every((digest) => values?.includes(digest));
const block = (text: string): object => ({ type: 'text', text });
const result = (...texts: string[]): string => JSON.stringify({ content: texts.map(block) });

describe('the values of a result', () => {
  it('are found in a text that is JSON as in the structured content, whatever escapes it has', () => {
    const inText = valuesOfResult(result('{"who":"Ann van Example","path":"C:\\u002fsecret\\/files"}'));
    expect(has(inText, 'Ann van Example') && has(inText, 'C:/secret/files')).toBe(true);
    const inResource = { contents: [{ uri: 'test://a', text: '[["Ann van Example"]]' }] };
    expect(has(valuesOfResult(JSON.stringify(inResource)), 'Ann van Example')).toBe(true);
  });

  it('are found in a name that is cut into any parts', () =>
    fc.assert(
      fc.property(
        fc.array(fc.nat(IBAN.length), { maxLength: 5 }),
        fc.constantFrom('', 'The account is ', 'x\n'),
        fc.constantFrom('', '. Pay now.', ' 7'),
        (cuts, before, after) => {
          const at = [0, ...cuts.sort((a, b) => a - b), IBAN.length];
          const parts = at.slice(1).map((to, i) => IBAN.slice(at[i], to));
          const [first = '', ...more] = parts;
          const texts = [before + first, ...more];
          texts.push((texts.pop() ?? '') + after);
          expect(has(valuesOfResult(result(...texts)), IBAN)).toBe(true);
        },
      ),
    ));

  it.each([
    ['two members of one name', `{"to":"Ann van Example","to":"no one at all"}`, 'Ann van Example'],
    ['a number that is not kept as it is written', '{"account":9007199254740993}', '9007199254740993'],
    ['a number with an exponent', '{"account":123456789012345678901}', '123456789012345678901'],
  ])('are those of each reading of %s', (_what, text, value) => {
    expect(has(valuesOfText(text), value)).toBe(true);
    expect(has(valuesOfResult(result(text)), value)).toBe(true);
    expect(has(valuesOfResult(`{"content":[],"structuredContent":${text}}`), value)).toBe(true);
  });

  it('are not known if a text is too long, or JSON in it too deep, to be searched', () => {
    expect(valuesOfText('x '.repeat(40_000))).toBeUndefined();
    expect(valuesOfResult(result(`${'['.repeat(5_000)}"Ann van Example"${']'.repeat(5_000)}`))).toBeUndefined();
    expect(valuesOfText('[["short"]]')).toEqual([]);
  });

  it('are not known if the JSON of all texts together has more values than are read, and none of it is parsed then', () => {
    const half = `[${Array(BOUNDARY_LIMITS.messageValues / 2)
      .fill('"x"')
      .join(',')}]`;
    const whole = result(half, half, half);
    const parse = jest.spyOn(JSON, 'parse');
    expect(valuesOfText(`[${half},${half},${half}]`)).toBeUndefined();
    expect(valuesOfResult(whole)).toBeUndefined();
    expect(parse.mock.calls.filter(([text]) => text !== whole)).toEqual([]);
    parse.mockRestore();
  });

  it('are looked for in cut names only until there are as many as are stated', () => {
    const read = jest.spyOn(String.prototype, 'normalize');
    expect(valuesOfResult(result(...Array<string>(1_500).fill('a')))).toHaveLength(LIMITS.valuesPerResult);
    const longest = Math.max(...read.mock.contexts.map((text) => String(text).length));
    read.mockRestore();
    expect(longest).toBeLessThan(LIMITS.valuesPerResult + LIMITS.valueChars + 2);
  });
});
