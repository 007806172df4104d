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

/** ISO 4217: currencies whose minor unit is not a hundredth. */
const DECIMALS: Readonly<Record<string, number>> = Object.fromEntries<number>([
  ...'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'
    .split(' ')
    .map((code): [string, number] => [code, 0]),
  ...'BHD IQD JOD KWD LYD OMR TND'.split(' ').map((code): [string, number] => [code, 3]),
]);

/** Minor units → `5.00 USD`, `500 JPY`. Written digit by digit: large amounts must not be rounded on the way. */
export function money(minor: number, currency: string): string {
  const decimals = Object.hasOwn(DECIMALS, currency) ? (DECIMALS[currency] as number) : 2;
  if (!Number.isSafeInteger(minor) || minor < 0) return `${minor} minor units of ${currency}`;
  if (decimals === 0) return `${minor} ${currency}`;
  const digits = String(minor).padStart(decimals + 1, '0');
  return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)} ${currency}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function sentence(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts[parts.length - 1]}`;
}
