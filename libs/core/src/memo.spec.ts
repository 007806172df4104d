import { remembered } from './memo';

describe('a function that remembers', () => {
  it('answers as the function does, asks it once for each text, and again after it had to forget', () => {
    const asked: string[] = [];
    const length = remembered((text) => asked.push(text) && text.length, 2);
    expect(['a', 'bb', 'a', 'bb'].map(length)).toEqual([1, 2, 1, 2]);
    expect(asked).toEqual(['a', 'bb']);
    expect([length('ccc'), length('a')]).toEqual([3, 1]);
    expect(asked).toEqual(['a', 'bb', 'ccc', 'a']);
  });
});
