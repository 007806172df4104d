/**
 * Texts that go into verdicts, violations and descriptions. All are bounded: they end up in an event's body, whose size
 * is limited, and what an agent chose to write must not crowd out why it was refused.
 */

/** The text, or its beginning and `…` where it is longer than `most` UTF-16 units. Never ends in half a character. */
export function clip(text: string, most = 160): string {
  if (text.length <= most) return text;
  const cut = text.slice(0, most - 1);
  return `${/[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut}…`;
}

/** `a, b, c` or `a, b and 7 more`, each clipped; `none` of what there is none of. */
export function listed(values: readonly unknown[], none = 'nothing', most = 8): string {
  if (values.length === 0) return none;
  const shown = values.slice(0, most).map((value) => clip(String(value)));
  const more = values.length - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}

/** The first few values as evidence beside a message, each clipped; the last says how many there are beside them. */
export function shown(values: readonly string[], most = 8): string[] {
  const first = values.slice(0, most).map((value) => clip(value));
  return values.length > most ? [...first, `and ${values.length - most} more`] : first;
}

/** `1 call`, `3 calls`. */
export const counted = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

/** `a`, `a and b`, `a, b and c`. */
export function sentence(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts[parts.length - 1]}`;
}
