import { parseEvent } from './event';
import { upcast, versionOf, type Upcasters } from './upcast';

/** As if what is blue now had been told by its hue, and by its name in words before that. */
const COLOURS: Upcasters = {
  Painted: [
    ({ name, ...event }) => ({ ...event, hue: name === 'blue' ? 240 : 0 }),
    ({ hue, ...event }) => ({ ...event, colour: { hue } }),
  ],
};
const today = { type: 'Painted', id: 'x', colour: { hue: 240 }, v: 3 };

describe('an event of an older version', () => {
  it.each([
    ['the first', { type: 'Painted', id: 'x', name: 'blue' }],
    ['the second', { type: 'Painted', id: 'x', hue: 240, v: 2 }],
    ['the newest', today],
  ])('is read in the form of today: %s', (_which, stored) => {
    const before = structuredClone(stored);
    expect(upcast(stored, COLOURS)).toEqual(today);
    expect(stored).toEqual(before);
  });

  it('is not read where its version is none, or one that is still to come', () => {
    for (const v of [4, 0, -1, 1.5, '2', null])
      expect(() => upcast({ ...today, v }, COLOURS)).toThrow('is not known here; the newest is 3');
    expect(() => upcast({ type: 'Other', v: 2 }, COLOURS)).toThrow('the newest is 1');
  });

  it('is written in the newest', () => {
    expect([versionOf('Painted', COLOURS), versionOf('Other', COLOURS), versionOf('toString', COLOURS)]).toEqual([
      3, 1, 1,
    ]);
  });

  it('leaves what is no event to its schema', () => {
    for (const raw of [null, 1, 'x', [], {}, { type: 7, v: 9 }]) expect(upcast(raw, COLOURS)).toBe(raw);
    expect(() => parseEvent('null')).toThrow();
    expect(() => parseEvent('{"type":"RunOpened","v":2}')).toThrow('RunOpened of version 2 is not known here');
    expect(() => parseEvent('{"type":"toString"}')).toThrow('type');
  });
});
