/** Code points of another's words that are shown; the whole stands where it was asked for. */
const MOST = 400;

/**
 * What others wrote, between marks that it cannot close: it never reads as a sentence of ours. One line, at most 400
 * characters; what would be invisible, or turn the direction of what follows, is shown by its number instead.
 */
export function quoted(text: string): string {
  const shown = Array.from(text.slice(0, 2 * MOST + 1)); // whole characters, of which none is longer than two units
  const cut = shown.length > MOST;
  return `“${visible(shown.slice(0, MOST).join('').replace(MARKS, '′'))}${cut ? '…' : ''}”`;
}

/** Ours with others' words in it: nothing in it is invisible, or turns what follows. */
export const visible = (text: string): string =>
  text.replace(/\s+/g, ' ').replace(HIDDEN, (c) => `‹U+${hex(c.codePointAt(0) as number)}›`);

const hex = (codePoint: number): string => codePoint.toString(16).toUpperCase().padStart(4, '0');

/** All that could pass for the end of a quotation; apostrophes may stay, since no quotation of ours ends in one. */
const MARKS = /(?!['’])[\p{Quotation_Mark}❛-❠]/gu;
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\ufffd\u2800]/gu;
