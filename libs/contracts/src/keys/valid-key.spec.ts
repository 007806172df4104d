import { isValidKey } from './valid-key';

describe('isValidKey', () => {
  it.each([
    [{}, true],
    [{ expiresAt: '2026-01-01T00:00:01Z' }, true],
    [{ expiresAt: '2026-01-01T00:00:00Z' }, false],
    [{ revokedAt: '2027-01-01T00:00:00Z' }, false],
    [{ revokedAt: '2025-01-01T00:00:00Z', expiresAt: '2027-01-01T00:00:00Z' }, false],
    [{ expiresAt: 'no time' }, false],
  ])('of %j is %s', (key, is) => {
    expect(isValidKey(key, Date.parse('2026-01-01T00:00:00Z'))).toBe(is);
  });
});
