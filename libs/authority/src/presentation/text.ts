/**
 * Formats texts for verdicts, violations and descriptions. All are bounded: they are stored in an event's body, whose
 * size is limited, and text that an agent chose must not displace the reason for its refusal.
 */

/** Returns the text, or its start and `…` if it is longer than `most` UTF-16 units. Never ends within a character. */
export function clip(text: string, most = 160): string {
  if (text.length <= most) return text;
  const cut = text.slice(0, most - 1);
  return `${/[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut}…`;
}

/** Lists values as `a, b, c` or `a, b and 7 more`, each clipped; returns `none` if there are none. */
export function listed(values: readonly unknown[], none = 'nothing', most = 8): string {
  if (values.length === 0) return none;
  const shown = values.slice(0, most).map((value) => clip(String(value)));
  const more = values.length - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}

/** Returns the first few values as evidence for a message, each clipped; the last states how many were left out. */
export function shown(values: readonly string[], most = 8): string[] {
  const first = values.slice(0, most).map((value) => clip(value));
  return values.length > most ? [...first, `and ${values.length - most} more`] : first;
}

/** Formats a count: `1 call`, `3 calls`. */
export const counted = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

/** Joins parts: `a`, `a and b`, `a, b and c`. */
export function sentence(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts[parts.length - 1]}`;
}
