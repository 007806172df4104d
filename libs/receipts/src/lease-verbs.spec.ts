import { withinPattern } from './lease-verbs';

describe('withinPattern', () => {
  it('compares a long name with a pattern of many wildcards in a short time', () => {
    const pattern = Array.from({ length: 7 }, () => ['**', 'a']).flat();
    const name = Array.from({ length: 200 }, () => 'a');
    expect(withinPattern(name, pattern)).toBe(true);
    expect(withinPattern(name, [...pattern, 'b'])).toBe(false);
  });

  it('takes `*` for any one segment, `**` for any number, and nothing else for more than itself', () => {
    const within = (inner: string, outer: string): boolean => withinPattern(inner.split('/'), outer.split('/'));
    expect([within('a/b', '*/b'), within('**', '**'), within('a/**', '**'), within('a', 'a/**')]).not.toContain(false);
    expect([within('**', '*'), within('a/**', 'a/*'), within('a*', 'ab'), within('a', 'a/*')]).not.toContain(true);
  });
});
