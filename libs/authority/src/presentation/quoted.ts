/** Code points of a quoted text that are shown; the full text is in the request. */
const MOST = 400;

/**
 * Quotes a text from outside between marks that it cannot close, so that it never reads as a sentence of the system.
 * One line, at most 400 characters; invisible and direction-changing characters are shown by their code points.
 */
export function quoted(text: string): string {
  const shown = Array.from(text.slice(0, 2 * MOST + 1)); // whole characters, none of them longer than two units
  const cut = shown.length > MOST;
  return `“${visible(shown.slice(0, MOST).join('').replace(MARKS, '′'))}${cut ? '…' : ''}”`;
}

/** Makes a sentence with quotations safe to show: no invisible or direction-changing characters. */
export const visible = (text: string): string =>
  text.replace(/\s+/g, ' ').replace(HIDDEN, (c) => `‹U+${hex(c.codePointAt(0) as number)}›`);

const hex = (codePoint: number): string => codePoint.toString(16).toUpperCase().padStart(4, '0');

/** Characters that could pass for the end of a quotation; apostrophes may stay, since no quotation ends in one. */
const MARKS = /(?!['’])[\p{Quotation_Mark}❛-❠]/gu;
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\ufffd\u2800]/gu;
