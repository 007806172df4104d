import { matchesLike } from './like';

/**
 * Segments of patterns that mix text with `*`, such as `*.md` and `release-*`: each `*` stands for any text of one
 * segment, also for none. A `*` alone is one whole segment, and no glob.
 */
export const isGlob = (segment: string): boolean => segment.includes('*') && segment !== '*' && segment !== '**';

/** Reports whether a glob matches a segment, as it is spelled. */
export const matchesGlob: (glob: string, segment: string) => boolean = matchesLike;

/**
 * Reports whether a folded glob matches a segment of which only the letters are folded. Both are compared with letters and
 * marks apart (NFD): what starts with `e` also starts so with an accent on it. Dots and spaces at the end of the segment
 * may be absent, since some file systems drop them: `*.md` matches `x.md.`.
 */
export function matchesFoldedGlob(glob: string, segment: string): boolean {
  const apart = glob.normalize('NFD');
  for (let text = segment.normalize('NFD'); ; text = text.slice(0, -1)) {
    if (matchesLike(apart, text)) return true;
    if (glob.endsWith('*') || !/[. ]$/.test(text)) return false;
  }
}

/** Reports whether some segment matches both: each is a literal, a glob or `*`. */
export function canMeet(a: string, b: string): boolean {
  if (a === b || a === '*' || b === '*') return true;
  if (!isGlob(a)) return isGlob(b) && matchesGlob(b, a);
  if (!isGlob(b)) return matchesGlob(a, b);
  // what is between the first and the last * of both can follow one another
  const [before, other] = [a.slice(0, a.indexOf('*')), b.slice(0, b.indexOf('*'))];
  const [after, end] = [a.slice(a.lastIndexOf('*') + 1), b.slice(b.lastIndexOf('*') + 1)];
  return (before.startsWith(other) || other.startsWith(before)) && (after.endsWith(end) || end.endsWith(after));
}
