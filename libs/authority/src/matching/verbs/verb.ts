import { LIMITS } from '@bailiwick/core/limits';
import { remembered } from '@bailiwick/core/memo';
import { err, ok, type Result } from '@bailiwick/core/result';
import { foreignInVerb } from '../foreign-syntax';
import { matchesSegments } from '../pattern';
import { clip } from '../../presentation/text';

/** The number of verbs and patterns to remember: decisions mostly repeat the same few. */
const FAMILIAR = 10_000;

/**
 * Normalizes a verb, `noun.verb`: segments of a–z, 0–9, `_` and `-` between dots. It is normalized once, here:
 * compatibility forms (NFKC), then lower case (locale-independent), then surrounding spaces. Any other character (a
 * look-alike letter, an encoding, a slash, a space within) is refused, never guessed at: a denial of `secret.read` must
 * hold for every spelling that some tool would read as `secret.read`.
 */
export const normalizeVerb: (text: string) => Result<string, string> = remembered(
  (text) => normalize(text, /^[a-z0-9_-]+$/, 'is made of letters a–z, digits, _ and -'),
  FAMILIAR,
);

/**
 * Normalizes a pattern of verbs. `*` is exactly one segment and `**` zero or more, but a `*` at the end is one OR MORE:
 * a denial of `production.*` includes `production.db.drop`, and allow and deny must read alike. So `*` alone is
 * everything.
 */
export function normalizeVerbPattern(text: string): Result<string, string> {
  const foreign = foreignInVerb(text);
  if (foreign !== undefined) return err(foreign);
  return normalize(text, /^([a-z0-9_-]+|\*{1,2})$/, 'is made of letters a–z, digits, _ and -, or is a whole * or **');
}

const CONTROL = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

function normalize(text: string, segment: RegExp, alphabet: string): Result<string, string> {
  if (text.length > LIMITS.nameLength) return err(`is longer than ${LIMITS.nameLength} characters`);
  if (CONTROL.test(text)) return err('has a control, invisible or direction-changing character; leave it out');
  const normal = text.normalize('NFKC').toLowerCase().trim();
  if (normal.length > LIMITS.nameLength) return err(`is longer than ${LIMITS.nameLength} characters`);
  const segments = normal.split('.');
  if (segments.length > LIMITS.segmentsPerPattern) return err(`has more than ${LIMITS.segmentsPerPattern} segments`);
  for (const each of segments) {
    if (each === '') return err('has an empty segment; write it like repo.read');
    if (each.length > LIMITS.segmentLength) return err(`has a segment longer than ${LIMITS.segmentLength} characters`);
    if (!segment.test(each)) return err(`has the segment ${JSON.stringify(clip(each, 60))}; a segment ${alphabet}`);
  }
  return ok(normal);
}

/** Returns the segments of a normalized verb pattern, with the last `*` expanded to one or more. */
export const verbSegments: (pattern: string) => readonly string[] = remembered((pattern) => {
  const segments = pattern.split('.');
  return segments[segments.length - 1] === '*' ? [...segments, '**'] : segments;
}, FAMILIAR);

const segmentsOfVerb = remembered((verb) => verb.split('.'), FAMILIAR);

/** Reports whether the pattern covers the verb. Both must be normalized. */
export const matchesVerb = (pattern: string, verb: string): boolean =>
  matchesSegments(verbSegments(pattern), segmentsOfVerb(verb));
