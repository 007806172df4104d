import fc from 'fast-check';
import { CALENDAR_UNITS, clockAt, isTimeZone, periodAt, zonedText, type CalendarUnit } from './calendar';

fc.configureGlobal({ seed: 20260107 });

const HOUR = 3_600_000;
const period = (unit: CalendarUnit, zone: string, time: string) => {
  const { start, end } = periodAt(unit, zone, Date.parse(time));
  return { start: zonedText(start, zone), end: zonedText(end, zone), hours: (end - start) / HOUR };
};

describe('a calendar period', () => {
  it.each([
    // zone, an instant of the day, its start, its end, its hours
    ['Europe/Berlin', '2026-03-29T10:00:00Z', '2026-03-29T00:00:00+01:00', '2026-03-30T00:00:00+02:00', 23],
    ['Europe/Berlin', '2026-10-25T10:00:00Z', '2026-10-25T00:00:00+02:00', '2026-10-26T00:00:00+01:00', 25],
    ['America/New_York', '2026-03-08T12:00:00Z', '2026-03-08T00:00:00-05:00', '2026-03-09T00:00:00-04:00', 23],
    ['America/New_York', '2026-11-01T12:00:00Z', '2026-11-01T00:00:00-04:00', '2026-11-02T00:00:00-05:00', 25],
    ['Australia/Lord_Howe', '2026-10-03T18:00:00Z', '2026-10-04T00:00:00+10:30', '2026-10-05T00:00:00+11:00', 23.5],
    ['Australia/Lord_Howe', '2026-04-04T18:00:00Z', '2026-04-05T00:00:00+11:00', '2026-04-06T00:00:00+10:30', 24.5],
    ['Asia/Kathmandu', '2026-06-01T00:00:00Z', '2026-06-01T00:00:00+05:45', '2026-06-02T00:00:00+05:45', 24],
    // clocks skip midnight: the day starts at 01:00
    ['America/Sao_Paulo', '2018-11-04T12:00:00Z', '2018-11-04T01:00:00-02:00', '2018-11-05T00:00:00-02:00', 23],
    ['Africa/Cairo', '2024-04-26T12:00:00Z', '2024-04-26T01:00:00+03:00', '2024-04-27T00:00:00+03:00', 23],
    // clocks are set back at midnight to 23:00 of the day before
    ['America/Sao_Paulo', '2018-02-17T12:00:00Z', '2018-02-17T00:00:00-02:00', '2018-02-18T00:00:00-03:00', 25],
    ['UTC', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00+00:00', '2026-01-02T00:00:00+00:00', 24],
  ] as const)('of a day in %s around %s starts at %s and ends at %s', (zone, time, start, end, hours) => {
    expect(period('day', zone, time)).toEqual({ start, end, hours });
  });

  it('of a week starts on Monday, and of a month on its first day', () => {
    expect(period('week', 'Europe/Berlin', '2026-03-29T21:59:59Z')).toEqual({
      start: '2026-03-23T00:00:00+01:00',
      end: '2026-03-30T00:00:00+02:00',
      hours: 7 * 24 - 1,
    });
    expect(period('week', 'Europe/Berlin', '2026-03-29T22:00:00Z').start).toBe('2026-03-30T00:00:00+02:00');
    expect(period('month', 'America/New_York', '2027-01-01T04:59:59Z')).toEqual({
      start: '2026-12-01T00:00:00-05:00',
      end: '2027-01-01T00:00:00-05:00',
      hours: 31 * 24,
    });
  });

  it('includes time that clocks show twice around midnight in the day that has started', () => {
    // at 00:01 of 7 November 2010 the clocks of Goose Bay were set back to 23:01 of the day before
    const [zone, shown] = ['America/Goose_Bay', Date.parse('2010-11-07T03:30:00Z')];
    expect(zonedText(shown, zone)).toBe('2010-11-06T23:30:00-04:00');
    expect(period('day', zone, '2010-11-07T03:30:00Z').start).toBe('2010-11-07T00:00:00-03:00');
  });

  it('passes over a day that a zone skips', () => {
    expect(period('day', 'Pacific/Apia', '2011-12-30T09:00:00Z').end).toBe('2011-12-31T00:00:00+14:00');
    expect(period('day', 'Pacific/Apia', '2011-12-30T11:00:00Z').start).toBe('2011-12-31T00:00:00+14:00');
  });

  it('contains its instant, and the next one starts where it ends', () => {
    const zone = fc.constantFrom(
      ...['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'America/Sao_Paulo'],
      ...['Africa/Cairo', 'America/Goose_Bay', 'Pacific/Apia', 'Asia/Beirut', 'UTC'],
    );
    const instant = fc.integer({ min: Date.parse('2005-01-01Z'), max: Date.parse('2035-01-01Z') });
    fc.assert(
      fc.property(fc.constantFrom(...CALENDAR_UNITS), zone, instant, (unit, name, at) => {
        const { start, end } = periodAt(unit, name, at);
        expect(start).toBeLessThanOrEqual(at);
        expect(end).toBeGreaterThan(at);
        expect(periodAt(unit, name, end).start).toBe(end);
        expect(periodAt(unit, name, end - 1)).toEqual({ start, end });
        expect(periodAt(unit, name, start)).toEqual({ start, end });
      }),
      { numRuns: 400 },
    );
  });
});

describe('the clock of a zone', () => {
  it.each([
    ['Europe/Berlin', '2026-03-29T00:59:00Z', 6, 119],
    ['Europe/Berlin', '2026-03-29T01:00:00Z', 6, 180],
    ['Asia/Kathmandu', '2026-01-04T18:15:00Z', 0, 0],
    ['America/New_York', '2026-01-05T04:59:59.999Z', 6, 1_439],
    ['UTC', '1969-12-31T12:00:00Z', 2, 720],
  ])('shows in %s at %s the day %s of the week and the minute %s', (zone, time, weekday, minute) => {
    expect(clockAt(Date.parse(time), zone)).toEqual({ weekday, minute });
  });
});

describe('isTimeZone', () => {
  it.each(['Europe/Berlin', 'America/Argentina/Buenos_Aires', 'UTC', 'Etc/GMT+5'])('accepts %s', (name) => {
    expect(isTimeZone(name)).toBe(true);
  });
  it.each(['', 'Berlin', 'Europe/Nowhere', '+01:00', 'local', 'Europe/Berlin ', 'Europe/Bеrlin'])(
    'refuses %j',
    (name) => {
      expect(isTimeZone(name)).toBe(false);
    },
  );
});
