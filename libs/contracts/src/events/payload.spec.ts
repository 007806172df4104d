import * as fc from 'fast-check';
import { saltedDigest } from '@bailiwick/core/digest';
import type { Event } from './event';
import { isForeign, wordsOf } from './payload';

fc.configureGlobal({ seed: 20260137 });

const SALT = 'AAAAAAAAAAAAAAAAAAAAAA';
const naming = (value: unknown): Event => ({ payloadDigest: saltedDigest(SALT, value) }) as Event;
const stored = (value: unknown, salt = SALT): string => JSON.stringify({ salt, value });

describe('wordsOf', () => {
  it('returns the payload that the event identifies, regardless of its JSON spelling', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()), (value) => {
        fc.pre(!Object.hasOwn(value, '__proto__'));
        const expected = JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
        expect(wordsOf(naming(expected), stored(expected))).toEqual(expected);
      }),
    );
  });

  it('returns null for a payload that the event does not identify', () => {
    const event = naming({ purpose: 'Tidy' });
    for (const other of [stored({ purpose: 'Sell' }), stored({ purpose: 'Tidy', more: 1 }), stored({}), '{}', 'x']) {
      expect([other, wordsOf(event, other), isForeign(event, other)]).toEqual([other, null, true]);
    }
    expect(isForeign(event, stored({ purpose: 'Tidy' }))).toBe(false);
  });

  it('returns null for an erased payload, and for an event that identifies none', () => {
    expect([wordsOf(naming({}), null), isForeign(naming({}), null)]).toEqual([null, false]);
    expect([wordsOf({} as Event, stored({})), isForeign({} as Event, stored({}))]).toEqual([null, true]);
  });
});
