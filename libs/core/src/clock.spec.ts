import * as fc from 'fast-check';
import { parseTime, rfc3339 } from './clock';

fc.configureGlobal({ seed: 20260132 });

describe('parseTime', () => {
  it('reads an RFC 3339 time back unchanged', () => {
    const ms = fc.integer({ min: 0, max: Date.parse('9999-12-31T23:59:59.999Z') });
    fc.assert(fc.property(ms, (time) => parseTime(rfc3339(time)) === time));
    expect(parseTime('2026-06-01T12:00:00+02:00')).toBe(Date.parse('2026-06-01T10:00:00Z'));
    expect(parseTime('2028-02-29T00:00:00Z')).toBe(Date.parse('2028-02-29T00:00:00Z'));
  });

  it.each([
    '2030-02-30T00:00:00Z', // no such day, although Date.parse accepts it
    '2026-02-29T00:00:00Z',
    '2026-04-31T10:00:00+02:00',
    '2026-13-01T00:00:00Z',
    '2026-01-01T25:00:00Z',
    '2026-01-01',
    '2026-01-01T00:00:00',
    '2026-01-01 00:00:00Z',
    ' 2026-01-01T00:00:00Z',
    'tomorrow',
    '',
  ])('refuses %j', (text) => {
    expect(parseTime(text)).toBeUndefined();
  });
});
