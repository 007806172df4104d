import { remembered } from './memo';

describe('remembered', () => {
  it('returns what the function returns, calls it once per text, and again after the cache was cleared', () => {
    const asked: string[] = [];
    const length = remembered((text) => asked.push(text) && text.length, 2);
    expect(['a', 'bb', 'a', 'bb'].map(length)).toEqual([1, 2, 1, 2]);
    expect(asked).toEqual(['a', 'bb']);
    expect([length('ccc'), length('a')]).toEqual([3, 1]);
    expect(asked).toEqual(['a', 'bb', 'ccc', 'a']);
  });
});
