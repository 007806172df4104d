import { nameKey } from './look-alike';

/**
 * Reports whether one name could be a spelling of another, although it is a different name: other separators
 * (`browser_agent`), a plural, or one letter more, less, exchanged or transposed. Digits are never a misspelling: `m-1` and `m-2` are
 * two names.
 */
export function isNear(one: string, other: string): boolean {
  if (one === other) return false;
  const [a, b] = [essence(one), essence(other)];
  if (a === b) return a !== '';
  return Math.min(a.length, b.length) >= SHORTEST && differsByOne(a, b);
}

/** shorter names differ by one letter too often */
const SHORTEST = 6;

const essence = (name: string): string =>
  nameKey(name)
    .replace(/[^\p{L}\p{N}]+/gu, '')
    .replace(/s$/, '');

function differsByOne(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  let end = 0;
  const most = Math.min(a.length, b.length) - start;
  while (end < most && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const [x, y] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  if (/\p{N}/u.test(x + y)) return false;
  return (x.length <= 1 && y.length <= 1) || (x.length === 2 && y === `${x[1]}${x[0]}`);
}
