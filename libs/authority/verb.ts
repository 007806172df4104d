import { LIMITS } from '#kernel/limits';
import { err, ok, type Result } from '#kernel/result';
import { matchesSegments } from './pattern';

/**
 * A verb is `noun.verb`: dot-separated segments of a–z, 0–9, `_` and `-`. It is normalised once, here: NFKC, then
 * lower case. Whatever is left that is not of the alphabet (a look-alike letter, an encoding, a space) is refused.
 */
export function normalizeVerb(text: string): Result<string, string> {
  return normalize(text, /^[a-z0-9_-]+$/, 'letters a–z, digits, _ and -');
}

/**
 * A pattern of verbs. `**` is zero or more segments, `*` exactly one, but a `*` at the end is one OR MORE: who denies
 * `production.*` means `production.db.drop` too, and allow and deny must read alike.
 */
export function normalizeVerbPattern(text: string): Result<string, string> {
  return normalize(text, /^([a-z0-9_-]+|\*{1,2})$/, 'letters a–z, digits, _, -, or a whole * or **');
}

function normalize(text: string, segment: RegExp, alphabet: string): Result<string, string> {
  if (text.length > LIMITS.nameLength) return err(`is longer than ${LIMITS.nameLength} characters`);
  const normal = text.normalize('NFKC').toLowerCase();
  const segments = normal.split('.');
  if (segments.length > LIMITS.segmentsPerPattern) return err(`has more than ${LIMITS.segmentsPerPattern} segments`);
  for (const each of segments) {
    if (each === '') return err('has an empty segment; write it like repo.read');
    if (!segment.test(each)) return err(`has the segment ${JSON.stringify(each)}; a segment is ${alphabet}`);
  }
  return ok(normal);
}

const compiled = new Map<string, readonly string[]>();
const COMPILED_MOST = 50_000;

/** The segments of a normalised verb pattern, with the last `*` spelt out as one or more. */
export function verbSegments(pattern: string): readonly string[] {
  const known = compiled.get(pattern);
  if (known) return known;
  const segments = pattern.split('.');
  const spelt = segments[segments.length - 1] === '*' ? [...segments, '**'] : segments;
  if (compiled.size >= COMPILED_MOST) compiled.clear();
  compiled.set(pattern, spelt);
  return spelt;
}

export const matchesVerb = (pattern: string, verb: string): boolean => matchesSegments(verbSegments(pattern), verb.split('.'));
