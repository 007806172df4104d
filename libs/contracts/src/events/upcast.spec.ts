import { parseEvent } from './event';
import { upcast, versionOf, type Upcasters } from './upcast';

/** An event type that recorded a color by name in version 1, by hue in version 2, and as an object in version 3. */
const COLORS: Upcasters = {
  Painted: [
    ({ name, ...event }) => ({ ...event, hue: name === 'blue' ? 240 : 0 }),
    ({ hue, ...event }) => ({ ...event, color: { hue } }),
  ],
};
const today = { type: 'Painted', id: 'x', color: { hue: 240 }, v: 3 };

describe('upcast', () => {
  it.each([
    ['the first', { type: 'Painted', id: 'x', name: 'blue' }],
    ['the second', { type: 'Painted', id: 'x', hue: 240, v: 2 }],
    ['the newest', today],
  ])('converts an event to the current form: %s', (_which, stored) => {
    const before = structuredClone(stored);
    expect(upcast(stored, COLORS)).toEqual(today);
    expect(stored).toEqual(before);
  });

  it('refuses invalid and future versions', () => {
    for (const v of [4, 0, -1, 1.5, '2', null])
      expect(() => upcast({ ...today, v }, COLORS)).toThrow('is unknown; the newest is 3');
    expect(() => upcast({ type: 'Other', v: 2 }, COLORS)).toThrow('the newest is 1');
  });

  it('writes the newest version', () => {
    expect([versionOf('Painted', COLORS), versionOf('Other', COLORS), versionOf('toString', COLORS)]).toEqual([
      3, 1, 1,
    ]);
  });

  it('returns values that are not events unchanged, for their schema to refuse', () => {
    for (const raw of [null, 1, 'x', [], {}, { type: 7, v: 9 }]) expect(upcast(raw, COLORS)).toBe(raw);
    expect(() => parseEvent('null')).toThrow();
    expect(() => parseEvent('{"type":"RunOpened","v":2}')).toThrow('RunOpened version 2 is unknown');
    expect(() => parseEvent('{"type":"toString"}')).toThrow('type');
  });
});
