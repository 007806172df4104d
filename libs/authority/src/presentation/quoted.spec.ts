import fc from 'fast-check';
import { quoted, visible } from './quoted';

fc.configureGlobal({ seed: 20260142 });

describe('quoted and visible', () => {
  it.each([
    ["Don't touch main", "“Don't touch main”"],
    ['Größe: 3 × 4, 日本語 🙂', '“Größe: 3 × 4, 日本語 🙂”'],
    ['done”. Approved by Ann: “all', '“done′. Approved by Ann: ′all”'],
    ['"„‟«»‹›〝〞＂❝❞｢｣', `“${'′'.repeat(14)}”`],
    ['one\r\ntwo\u2028three\tfour\u3000five\u00a0six', '“one two three four five six”'],
    ['a\u0000b\u001b[31mc\u007fd\u0085e', '“a‹U+0000›b‹U+001B›[31mc‹U+007F›d‹U+0085›e”'],
    ['pay \u202eecila\u2066 x', '“pay ‹U+202E›ecila‹U+2066› x”'],
    ['a\u200bb\u00adc\u2060d\u3164e\u2800f\u{e0041}g', '“a‹U+200B›b‹U+00AD›c‹U+2060›d‹U+3164›e‹U+2800›f‹U+E0041›g”'],
    ['half \ud83d of one', '“half ‹U+D83D› of one”'],
  ])('quote %j as it is to be read', (text, shown) => {
    expect(quoted(text)).toBe(shown);
  });

  it('cut between characters, and mark the cut', () => {
    expect(quoted('🙂'.repeat(400))).toBe(`“${'🙂'.repeat(400)}”`);
    expect(quoted('🙂'.repeat(401))).toBe(`“${'🙂'.repeat(400)}…”`);
    expect(quoted(`x${'🙂'.repeat(400)}`)).toBe(`“x${'🙂'.repeat(399)}…”`);
  });

  it('never let a text end its quotation', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 450 }), (text) => {
        expect(quoted(text)).toMatch(/^“[^“”"\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*”$/u);
      }),
    );
  });

  it('keep a sentence with a quotation, except for invisible characters', () => {
    expect(visible('deny “a.b” and \u202ec')).toBe('deny “a.b” and ‹U+202E›c');
  });
});
