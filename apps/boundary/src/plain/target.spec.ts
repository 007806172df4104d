import fc from 'fast-check';
import { readTarget, writeTarget } from './target';

fc.configureGlobal({ seed: 20261130 });

describe('readTarget', () => {
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 });

  it('reads what it wrote, and writes it again as it was', () => {
    let read = 0;
    fc.assert(
      fc.property(
        fc.array(name, { maxLength: 4 }),
        fc.array(fc.tuple(name, name), { maxLength: 3 }),
        (segments, query) => {
          const text = writeTarget({ segments, isFolder: false, query });
          const target = readTarget(text);
          if (!target.ok) return;
          read += 1;
          expect(target.value).toEqual({ segments, isFolder: false, query });
          expect(writeTarget(target.value)).toBe(text);
        },
      ),
    );
    expect(read).toBeGreaterThan(10);
  });

  it('accepts no path that a server that decodes it, once more or not at all, takes for another one', () => {
    const piece = fc.constantFrom(
      'a',
      '/',
      '%2f',
      '%2F',
      '%5c',
      '\\',
      '.',
      '%2e',
      '..',
      '%25',
      '2e',
      '2f',
      ';',
      '%00',
      '%EF%BC%8E',
      '%0a',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = `/x/${pieces.join('')}`;
        const target = readTarget(text);
        if (!target.ok) return;
        const sent = writeTarget(target.value);
        const once = decodeURIComponent(sent);
        for (const form of [sent, once, once.normalize('NFKC')]) {
          expect(new URL(form.replaceAll('\\', '/'), 'http://h').pathname.split('/').length).toBe(
            sent.split('/').length,
          );
          expect(form).not.toMatch(/(^|\/)\.{1,2}(\/|$)|\/\/|%2[ef]|\\|;|[\0\n]/i);
        }
      }),
      { numRuns: 500 },
    );
  });
});
