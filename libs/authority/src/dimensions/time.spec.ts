import { facts, NOW, situation, verdictText, wider } from '../testing/facts';
import { time } from './time';

const at = (hour: string) => `2026-01-01T${hour}:00.000Z`;
const lease = (from: string, until: string) => ({ notBefore: at(from), expiresAt: at(until) });

describe('time', () => {
  it.each([
    ['12:00', '13:00', NOW, 'permit'],
    ['12:00', '13:00', NOW - 1, 'deny NOT_YET_VALID'],
    ['11:00', '12:00', NOW - 1, 'permit'],
    ['11:00', '12:00', NOW, 'deny EXPIRED'],
  ])('from %s until %s, answers at %d with %s', (from, until, now, verdict) => {
    expect(verdictText(time.admits(lease(from, until), facts(), situation(), now))).toBe(verdict);
  });

  it('denies if a time is invalid', () => {
    expect(verdictText(time.admits({ notBefore: 'soon', expiresAt: at('13:00') }, facts(), situation(), NOW))).toBe(
      'deny NOT_YET_VALID',
    );
    expect(verdictText(time.admits({ notBefore: at('11:00'), expiresAt: 'never' }, facts(), situation(), NOW))).toBe(
      'deny EXPIRED',
    );
    expect(verdictText(time.admits(lease('11:00', '13:00'), facts(), situation(), NaN))).toBe('deny NOT_YET_VALID');
  });

  it.each([
    [lease('11:00', '13:00'), []],
    [lease('12:00', '12:30'), []],
    [lease('10:59', '13:00'), ['time.notBefore']],
    [lease('11:00', '13:01'), ['time.expiresAt']],
    [{ notBefore: '2026-01-01T11:30:00+01:00', expiresAt: at('13:00') }, ['time.notBefore']],
    [{ notBefore: 'soon', expiresAt: 'never' }, ['time.notBefore', 'time.expiresAt']],
  ])('%j below 11:00–13:00 is wider at %j', (child, paths) => {
    expect(wider(time.attenuates(child, lease('11:00', '13:00')))).toEqual(paths);
  });

  it('meets in the common period, whatever the offsets; an invalid time wins', () => {
    expect(time.meet(lease('11:00', '13:00'), lease('12:00', '14:00'))).toEqual(lease('12:00', '13:00'));
    expect(time.meet({ notBefore: 'soon', expiresAt: at('13:00') }, lease('11:00', '12:00')).notBefore).toBe('soon');
    expect(time.meet(lease('11:00', '12:00'), { notBefore: 'soon', expiresAt: at('13:00') }).notBefore).toBe('soon');
  });
});
