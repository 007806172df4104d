/** A part of a result that is about one thing: an item of a list, a message among others. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

/** The start of an item: of a list at the margin, or of an object after another. */
const ITEM = /\n(?=[-*•] )|(?<=[}\])]),\s*(?=[{[(\p{L}])|\n(?=---)/gu;
const MOST = 256;

/** Splits a result into its parts, in order. A text without items is one part. */
export function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (const { index } of text.matchAll(ITEM)) {
    if (parts.length >= MOST - 1) break;
    if (index > from) parts.push({ from, to: index });
    from = index;
  }
  parts.push({ from, to: text.length });
  return parts;
}
