import * as fc from 'fast-check';
import { saltedDigest } from '@bailiwick/core/digest';
import type { Event } from './event';
import { isForeign, wordsOf } from './payload';

fc.configureGlobal({ seed: 20260137 });

const SALT = 'AAAAAAAAAAAAAAAAAAAAAA';
const naming = (value: unknown): Event => ({ payloadDigest: saltedDigest(SALT, value) }) as Event;
const beside = (value: unknown, salt = SALT): string => JSON.stringify({ salt, value });

describe('what stands beside an event', () => {
  it('is told where it is what the event names, however it is spelt', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()), (value) => {
        fc.pre(!Object.hasOwn(value, '__proto__'));
        const told = JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
        expect(wordsOf(naming(told), beside(told))).toEqual(told);
      }),
    );
  });

  it('is nobody’s word where it is another', () => {
    const event = naming({ purpose: 'Tidy' });
    for (const other of [beside({ purpose: 'Sell' }), beside({ purpose: 'Tidy', more: 1 }), beside({}), '{}', 'x']) {
      expect([other, wordsOf(event, other), isForeign(event, other)]).toEqual([other, null, true]);
    }
    expect(isForeign(event, beside({ purpose: 'Tidy' }))).toBe(false);
  });

  it('is nothing where it was erased, or the event names none', () => {
    expect([wordsOf(naming({}), null), isForeign(naming({}), null)]).toEqual([null, false]);
    expect([wordsOf({} as Event, beside({})), isForeign({} as Event, beside({}))]).toEqual([null, true]);
  });
});
