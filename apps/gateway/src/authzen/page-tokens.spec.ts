import fc from 'fast-check';
import { PageTokens } from './page-tokens';

const tokens = new PageTokens(Buffer.alloc(32, 1));

describe('the token of a page', () => {
  it('holds its place, and opens for its own search only, with the key of its installation', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (search, other, place) => {
        const token = tokens.seal(search, place);
        expect(token).toMatch(/^[\w-]+$/);
        expect(tokens.open(search, token)).toBe(place);
        if (other !== search) expect(() => tokens.open(other, token)).toThrow('page.token is not of this search');
        expect(() => new PageTokens(Buffer.alloc(32, 2)).open(search, token)).toThrow('page.token');
      }),
    );
  });

  it('does not show its place', () => {
    const token = tokens.seal('a search', 'acme/secret');
    expect(Buffer.from(token, 'base64url').toString('latin1')).not.toContain('secret');
    expect(tokens.seal('a search', 'acme/secret')).not.toBe(token);
  });

  it('is refused if any of its bytes is changed, or if it is no token', () => {
    const bytes = Buffer.from(tokens.seal('a search', 'x'), 'base64url');
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ 1;
      expect(() => tokens.open('a search', changed.toString('base64url'))).toThrow('page.token');
    }
    for (const none of ['', 'x', 'AAAA', 'x'.repeat(100_000)])
      expect(() => tokens.open('a search', none)).toThrow('page.token');
  });
});
