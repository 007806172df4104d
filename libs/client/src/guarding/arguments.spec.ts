import * as fc from 'fast-check';
import type { DeniedError } from '../errors';
import { exactCopy } from './arguments';

fc.configureGlobal({ seed: 20260132 });

const codeOf = (args: unknown): string => {
  try {
    exactCopy(args);
    return 'copied';
  } catch (error) {
    return (error as DeniedError).code;
  }
};

describe('the copy of the arguments of a call', () => {
  it('is equal to arguments that are JSON, and shares no part with them', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (args) => {
        expect(JSON.stringify(exactCopy(args))).toBe(JSON.stringify(args));
      }),
    );
    const args = { list: [{ a: 1 }] };
    const copy = exactCopy(args);
    args.list[0]!.a = 2;
    expect(copy).toEqual({ list: [{ a: 1 }] });
  });

  it('keeps dates, and members that are undefined', () => {
    const args = { since: new Date(0), limit: undefined };
    const copy = exactCopy(args);
    expect([copy.since.getTime(), Object.keys(copy)]).toEqual([0, ['since', 'limit']]);
  });

  const circle: Record<string, unknown> = {};
  circle['again'] = [circle];
  it.each<[string, unknown]>([
    ['a map', { to: new Map([['eve@example.com', true]]) }],
    ['a set', { to: new Set(['eve@example.com']) }],
    ['a number that is none', { amount: NaN }],
    ['an infinite number', { amount: [Infinity] }],
    ['a large integer', { amount: 10n }],
    ['bytes', { content: new Uint8Array([1]) }],
    ['a regular expression', { match: /a/ }],
    ['a date that is none', { since: new Date('x') }],
    ['an undefined value of a list', { to: [undefined] }],
    ['a hole in a list', { to: [, 1] }],
    ['a circle', circle],
    ['an error', { to: new Error('eve@example.com') }],
    ['a function', { to: () => 'eve@example.com' }],
  ])('is refused for arguments with %s, since the decision would be about others', (_, args) => {
    expect(codeOf(args)).toBe('ARGUMENTS_NOT_JSON');
  });

  it('is not refused with the text of a function, which may enclose a secret', () => {
    let message = '';
    try {
      exactCopy({ to: () => 'hunter2' });
    } catch (error) {
      message = (error as DeniedError).message;
    }
    expect(message).toContain('a function');
    expect(message).not.toContain('hunter2');
  });
});
