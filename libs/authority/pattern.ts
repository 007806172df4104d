import { LIMITS } from '#kernel/limits';
import { err, ok, type Result } from '#kernel/result';

/**
 * Resource ids are `/`-separated segments, compared case-sensitively (files and repositories on most systems are) after
 * Unicode NFC. There is one spelling of each: no leading, trailing or doubled slash, no `.` or `..`, no backslash, no
 * percent-encoded separator, no control or direction-changing character. What is spelt otherwise is refused, never
 * repaired: two components that repair differently are how a path slips past a check. An absolute file path is written
 * without its first slash, below a type that says where it is.
 */
export function normalizeResourceId(text: string): Result<string, string> {
  const checked = segmentsOf(text);
  if (!checked.ok) return checked;
  const wild = checked.value.find((segment) => segment.includes('*'));
  return wild === undefined ? ok(checked.value.join('/')) : err('a concrete id has no wildcards');
}

/** A pattern: literal segments, `*` for exactly one, `**` for zero or more. Partial wildcards are refused. */
export function normalizePathPattern(text: string): Result<string, string> {
  const checked = segmentsOf(text);
  if (!checked.ok) return checked;
  const partial = checked.value.find((segment) => segment.includes('*') && segment !== '*' && segment !== '**');
  if (partial !== undefined) {
    return err(`${JSON.stringify(partial)} mixes a wildcard with text; * stands for one whole segment and ** for any number`);
  }
  return ok(collapse(checked.value).join('/'));
}

/** `a/**` + `**` says nothing that `a/**` does not. */
function collapse(segments: string[]): string[] {
  return segments.filter((segment, i) => !(segment === '**' && segments[i - 1] === '**'));
}

const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\uffff]/;
const ENCODED = /%(2e|2f|5c|00|25)/i;

function segmentsOf(text: string): Result<string[], string> {
  if (text.length > LIMITS.resourceIdLength) return err(`is longer than ${LIMITS.resourceIdLength} characters`);
  const normal = text.normalize('NFC');
  if (FORBIDDEN.test(normal)) return err('has a control, invisible or direction-changing character');
  if (normal.includes('\\')) return err('has a backslash; segments are separated by /');
  if (ENCODED.test(normal)) return err('has a percent-encoded separator or dot; give it decoded');
  // full-width and look-alike separators fold to the real ones under NFKC
  if (/[\uff0f\u2044\u2215\uff3c\uff0e\u2024]/.test(normal)) return err('has a look-alike of a separator or dot');
  const segments = normal.split('/');
  if (segments.length > LIMITS.segmentsPerPattern) return err(`has more than ${LIMITS.segmentsPerPattern} segments`);
  for (const segment of segments) {
    if (segment === '') return err('has an empty segment; write it without leading, trailing or doubled slashes');
    if (segment === '.' || segment === '..') return err(`has the segment ${segment}; give the path it means`);
    if (segment !== segment.trim()) return err('has a segment that begins or ends with a space');
    if (segment.length > LIMITS.segmentLength) return err(`has a segment longer than ${LIMITS.segmentLength}`);
  }
  return ok(segments);
}

/** Does the (normalised) pattern match the (normalised) concrete segments? O(pattern × segments), no backtracking. */
export function matchesSegments(pattern: readonly string[], segments: readonly string[]): boolean {
  let states = closure(pattern, new Set([0]));
  for (const segment of segments) {
    const next = new Set<number>();
    for (const i of states) {
      const token = pattern[i];
      if (token === '**') next.add(i);
      else if (token !== undefined && (token === '*' || token === segment)) next.add(i + 1);
    }
    if (next.size === 0) return false;
    states = closure(pattern, next);
  }
  return states.has(pattern.length);
}

/** A `**` may stand for nothing: whoever is before it is also after it. */
export function closure(pattern: readonly string[], states: Set<number>): Set<number> {
  for (const i of states) if (pattern[i] === '**') states.add(i + 1);
  return states;
}

export const matchesPath = (pattern: string, id: string): boolean => matchesSegments(pattern.split('/'), id.split('/'));
