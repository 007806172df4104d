import { LIMITS } from '@bailiwick/core/limits';
import { err, ok, type Result } from '@bailiwick/core/result';
import { foreignInPath } from './foreign-syntax';
import { clip } from '../presentation/text';

/**
 * Names of resources: segments separated by `/`.
 *
 * Each resource has one spelling. An id has no leading, trailing or doubled slash, no `.` or `..`, no backslash, no
 * percent-encoded separator, no invisible or direction-changing character, and is in Unicode form NFC. Any other
 * spelling is refused with instructions, never repaired: a path slips past a check if two components repair it
 * differently. An absolute file path is therefore written without its first slash (`srv/x`, under a resource type that
 * identifies its location), and a URL as host and path.
 *
 * Case is preserved and significant, as on most file systems and forges. On a system without case, a lease for `src/**`
 * does not reach `SRC/x`, which is the safe direction. Exceptions are compared without case for the same reason.
 */

/** Normalizes a concrete id, or returns its fault. */
export function normalizeResourceId(text: string): Result<string, string> {
  const checked = segmentsOf(text);
  if (!checked.ok) return checked;
  if (checked.value.some((segment) => segment.includes('*')))
    return err('has a *; name one resource, without wildcards');
  return ok(checked.value.join('/'));
}

/**
 * Normalizes a pattern: literal segments, `*` for exactly one, `**` for zero or more. A wildcard is always a whole
 * segment. A notation of another pattern language (`!x`, `{a,b}`, `[ab]`, `?`) is refused, unless its author states
 * with `literal` that these characters are parts of names (`app/[id]/page.tsx`). A concrete id may contain them: it is
 * a name.
 */
export function normalizePathPattern(text: string, { literal = false } = {}): Result<string, string> {
  const foreign = literal ? undefined : foreignInPath(text);
  // a spelling fault is a fault under `literal` too; a notation is explained before the spelling fault that it causes
  const checked = segmentsOf(text);
  if (foreign !== undefined && (checked.ok || /^[!^{[(?]/.test(text))) return err(foreign);
  if (!checked.ok) return checked;
  const partial = checked.value.find((segment) => segment.includes('*') && segment !== '*' && segment !== '**');
  if (partial !== undefined) {
    return err(
      `has the segment ${JSON.stringify(clip(partial, 60))}, which mixes a wildcard with text; ` +
        'a * stands for one whole segment and ** for any number, so name the folder (src/**) or each resource',
    );
  }
  return ok(collapse(checked.value).join('/'));
}

/** Collapses `**` after `**`, which adds nothing. */
export function collapse(segments: readonly string[]): string[] {
  return segments.filter((segment, i) => !(segment === '**' && segments[i - 1] === '**'));
}

/** Control, format and zero-width characters, unpaired surrogates, ignorable characters, noncharacters. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufff9-\uffff]/u;
/**
 * `..;` and `;x=1`: a servlet container drops what follows the `;` and resolves the rest (RFC 3986, section 3.3).
 */
const DOTS_WITH_PARAMETER = /^\s*\.{0,2}\s*(?:;|%3b)/i;
/**
 * Encoded `/` `\` `%`, control characters, the first byte of an overlong encoding, `%uXXXX`, and what needs no
 * encoding: letters, digits, `-` `.` `_` `~`, since a name with one encoded is the same name (RFC 3986 §2.3, §6.2.2.2).
 */
const ENCODED = /%(2[5def]|3\d|4[1-9a-f]|5[\dacf]|6[1-9a-f]|7[\daef]|[01][\da-f]|c0|c1|u[\da-f])/i;
/** Fraction and division slashes, set minus, full-width forms, one-dot leader: they read like a separator or a dot. */
const LOOK_ALIKE = /[\u2024\u2044\u2215\u2216\u29f5\u29f8\u29f9\ufe52\ufe68\uff0e\uff0f\uff3c]/;

/** A few segments of letters, digits, `_`, `-` and dots between them, which need no further checks. */
const PLAIN = /^[\w-]+(\.[\w-]+)*(\/[\w-]+(\.[\w-]+)*){0,7}$/;

function segmentsOf(text: string): Result<string[], string> {
  if (text.length > LIMITS.resourceIdLength) return err(`is longer than ${LIMITS.resourceIdLength} characters`);
  if (text.length <= LIMITS.segmentLength && PLAIN.test(text)) return ok(text.split('/'));
  const normal = text.normalize('NFC');
  if (normal.length > LIMITS.resourceIdLength)
    return err(`is longer than ${LIMITS.resourceIdLength} characters in form NFC`);
  if (INVISIBLE.test(normal)) return err('has a control, invisible or direction-changing character; leave it out');
  if (LOOK_ALIKE.test(normal)) return err('has a look-alike of a separator or dot; write / and . themselves');
  const segments = normal.split('/');
  const fault = spellingFault(normal, segments) ?? hiddenFault(normal, segments);
  return fault === undefined ? ok(segments) : err(fault);
}

function spellingFault(text: string, segments: readonly string[]): string | undefined {
  if (text === '') return 'is empty';
  if (text.includes('\\')) return 'has a backslash; segments are separated by /';
  if (ENCODED.test(text))
    return 'has a percent-encoded letter, digit, separator, dot or control character; give it decoded';
  if (text.includes('://')) return 'is written as a URL; write it as host/path, without the scheme';
  if (text.startsWith('/')) return 'starts with a slash; write srv/x for the file /srv/x';
  if (text.endsWith('/')) return 'ends with a slash; name the folder without it, or its contents as folder/**';
  if (segments.length > LIMITS.segmentsPerPattern) return `has more than ${LIMITS.segmentsPerPattern} segments`;
  for (const segment of segments) {
    if (segment === '') return 'has a doubled slash; write one';
    if (segment === '.' || segment === '..') return `has the segment ${segment}; give the path that it means`;
    if (DOTS_WITH_PARAMETER.test(segment))
      return `has the segment ${JSON.stringify(clip(segment, 60))}, which servers that drop path parameters read as a dot or nothing; give the path that it means`;
    if (segment === '~' && segment === segments[0])
      return 'starts with ~, which is no home directory here; write the path itself';
    if (segment !== segment.trim()) return 'has a segment that starts or ends with a space';
    if (segment.length > LIMITS.segmentLength) return `has a segment longer than ${LIMITS.segmentLength} characters`;
  }
  return undefined;
}

/** Checks that a system that folds compatibility forms later (`℀` → `a/c`, `‥` → `..`) finds the same segments. */
function hiddenFault(text: string, segments: readonly string[]): string | undefined {
  const folded = text.normalize('NFKC');
  if (folded === text) return undefined;
  const hidden = folded.split('/');
  const dots = hidden.some(
    (segment) => segment === '.' || segment === '..' || segment.trim() === '' || DOTS_WITH_PARAMETER.test(segment),
  );
  if (hidden.length === segments.length && !dots && !folded.includes('\\') && !ENCODED.test(folded)) return undefined;
  return 'has a character that some systems read as a separator or dot; write / and . themselves';
}

/**
 * Reports whether the pattern matches the segments of a concrete name. Both must be normalized. It allocates nothing
 * and takes at most pattern × segments steps: after a mismatch only the last `**` can help, by taking one segment more.
 */
export function matchesSegments(pattern: readonly string[], segments: readonly string[]): boolean {
  let p = 0;
  let s = 0;
  let deep = -1;
  let taken = 0;
  while (s < segments.length) {
    const token = pattern[p];
    if (token === '**') {
      deep = p;
      taken = s;
      p += 1;
    } else if (token !== undefined && (token === '*' || token === segments[s])) {
      p += 1;
      s += 1;
    } else if (deep >= 0) {
      taken += 1;
      p = deep + 1;
      s = taken;
    } else return false;
  }
  while (pattern[p] === '**') p += 1;
  return p === pattern.length;
}

export const matchesPath = (pattern: string, id: string): boolean => matchesSegments(pattern.split('/'), id.split('/'));
