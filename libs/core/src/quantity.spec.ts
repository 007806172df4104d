import { grouped, quantity, unitsText } from './quantity';

describe('quantity', () => {
  it('separates thousands by commas', () => {
    expect([0, 999, 1_000, 200_000, 1_000_000_000_000_000].map(grouped)).toEqual([
      '0',
      '999',
      '1,000',
      '200,000',
      '1,000,000,000,000,000',
    ]);
  });

  it('formats a number with its unit, and several of them', () => {
    expect(quantity(200_000, 'tokens')).toBe('200,000 tokens');
    expect(unitsText({ tokens: 1_500, pages: 50 })).toBe('1,500 tokens, 50 pages');
    expect(unitsText()).toBe('');
  });
});
