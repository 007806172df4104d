import { clip, counted, listed, money, sentence, shown } from './words';

describe('words', () => {
  it('writes money in the units of its currency', () => {
    expect(money(500, 'USD')).toBe('5.00 USD');
    expect(money(5, 'EUR')).toBe('0.05 EUR');
    expect(money(0, 'USD')).toBe('0.00 USD');
    expect(money(500, 'JPY')).toBe('500 JPY');
    expect(money(1234, 'KWD')).toBe('1.234 KWD');
    expect(money(999_999_999_999_999, 'USD')).toBe('9999999999999.99 USD');
    expect(money(1.5, 'USD')).toBe('1.5 minor units of USD');
  });

  it('cuts long texts and lists, never inside a character', () => {
    expect(clip('abcdef', 4)).toBe('abc…');
    expect(clip('ab\u{1f600}f', 4)).toBe('ab…');
    expect(listed([], 'none')).toBe('none');
    expect(listed(['a', 'b', 'c'], 'none', 2)).toBe('a, b and 1 more');
    expect(shown(['a', 'b', 'c'], 2)).toEqual(['a', 'b', 'and 1 more']);
  });

  it('joins and counts', () => {
    expect(sentence(['a', 'b', 'c'])).toBe('a, b and c');
    expect(counted(1, 'child', 'children')).toBe('1 child');
    expect(counted(0, 'child', 'children')).toBe('0 children');
  });
});
