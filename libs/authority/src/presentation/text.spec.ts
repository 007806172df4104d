import { clip, counted, listed, sentence, shown } from './text';

describe('words', () => {
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
