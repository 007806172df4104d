import { LIMITS } from '@bailiwick/core/limits';
import { err, ok, type Result } from '@bailiwick/core/result';
import { foreignInPath } from './foreign-syntax';
import { isGlob, matchesGlob } from './glob';
import { pathOf, nameOf as splitName } from './name-forms';
import { partFault, readWebAddress } from './web-address';
import { clip } from '../presentation/text';

/**
 * Names of resources: segments separated by `/`, in one of four forms that share no name (`name-forms.ts`): a relative path,
 * an absolute path, a URL of `http` or `https`.
 *
 * Each resource has one spelling. A path has no trailing or doubled slash, no `.` or `..`, no backslash, no
 * percent-encoded separator, no invisible or direction-changing character, names no stream of a file, and is in Unicode
 * form NFC. An absolute path has no percent-encoding, `?`, `#` or `;` either, since an HTTP server reads them; of a URL,
 * `web-address.ts` normalizes what RFC 3986 calls equivalent. Any other spelling is refused with instructions, never
 * repaired: a path slips past a check if two components repair it differently.
 *
 * Case is preserved and significant, as on most file systems and forges. On a system without case, a lease for `src/**`
 * does not reach `SRC/x`, which is the safe direction. Exceptions are compared without case for the same reason.
 */

/** Normalizes a concrete id, or returns its fault. */
export function normalizeResourceId(text: string): Result<string, string> {
  const checked = nameOf(text);
  if (!checked.ok) return checked;
  if (checked.value.segments.some((segment) => segment.includes('*')))
    return err('has a *; name one resource, without wildcards');
  return ok(textOf(checked.value));
}

/**
 * Normalizes a pattern: literal segments, `*` for exactly one, `**` for zero or more, and in a segment with text `*` for any
 * text of it (`*.md`). A notation of another pattern language (`!x`, `{a,b}`, `[ab]`, `?`) is refused, unless its author
 * states with `literal` that these characters are parts of names (`app/[id]/page.tsx`); `*` keeps its meaning then, since
 * no name contains it. A concrete id may contain them: it is a name.
 */
export function normalizePathPattern(text: string, { literal = false } = {}): Result<string, string> {
  // a spelling fault is a fault under `literal` too; a notation is explained before the spelling fault that it causes
  const checked = nameOf(text);
  const foreign = literal ? undefined : foreignInPath(checked.ok ? textOf(checked.value) : text);
  if (foreign !== undefined && (checked.ok || /^[!^{[(?]/.test(text))) return err(foreign);
  if (!checked.ok) return checked;
  const { head, segments } = checked.value;
  for (const segment of segments) {
    const fault = globFault(segment);
    if (fault !== undefined) return err(`has the segment ${JSON.stringify(clip(segment, 60))}, ${fault}`);
  }
  return ok(textOf({ head, segments: collapse(segments) }));
}

function globFault(segment: string): string | undefined {
  if (!isGlob(segment)) return undefined;
  if (segment.includes('**'))
    return 'which mixes ** with text; write one * for any text of a segment, or **/*.md for files in any folder';
  return /\*\p{M}/u.test(segment) ? 'which has an accent after a *; write it with its letter' : undefined;
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

/** A name or pattern with its scheme, or the slash of an absolute path, in `head`. */
interface Name {
  readonly head: '' | '/' | 'http://' | 'https://';
  readonly segments: readonly string[];
}
const textOf = ({ head, segments }: Name): string => head + segments.join('/');

function nameOf(text: string): Result<Name, string> {
  if (text.length > LIMITS.resourceIdLength) return err(`is longer than ${LIMITS.resourceIdLength} characters`);
  if (text.length <= LIMITS.segmentLength && PLAIN.test(text)) return ok({ head: '', segments: text.split('/') });
  const wrong = characterFault(text.normalize('NFC'));
  if (wrong !== undefined) return err(wrong);
  const name = readName(text.normalize('NFC'));
  if (!name.ok) return name;
  const { head, segments } = name.value;
  const path = segments.join('/');
  const fault =
    (isDecoded(head) ? characterFault(path) : undefined) ??
    spellingFault(path, segments, head) ??
    hiddenFault(path, segments, head);
  return fault === undefined ? name : err(fault);
}

/** The path of a URL is decoded after its characters were checked. */
const isDecoded = (head: Name['head']): boolean => head.length > 1;

/** Splits a text into segments, which are checked afterwards. */
function readName(text: string): Result<Name, string> {
  if (text === '') return err('is empty');
  if (text.includes('\\')) return err('has a backslash; segments are separated by /');
  if (/^https?:/i.test(text)) return readUrl(text);
  if (text.includes('://'))
    return err('is a URL of another scheme than http and https; write it as host/path, without the scheme');
  if (!text.startsWith('/')) return ok({ head: '', segments: text.split('/') });
  return ok({ head: '/', segments: text === '/' ? [] : text.slice(1).split('/') });
}

function readUrl(text: string): Result<Name, string> {
  if (!/^https?:\/\//i.test(text)) return err('has a scheme without two slashes; write it as in https://host/path');
  const address = readWebAddress(text);
  if (!address.ok) return address;
  const { head, host, path } = address.value;
  return ok({ head, segments: [host, ...(path === '' ? [] : path.normalize('NFC').split('/'))] });
}

function characterFault(normal: string): string | undefined {
  if (normal.length > LIMITS.resourceIdLength)
    return `is longer than ${LIMITS.resourceIdLength} characters in form NFC`;
  if (INVISIBLE.test(normal)) return 'has a control, invisible or direction-changing character; leave it out';
  if (LOOK_ALIKE.test(normal)) return 'has a look-alike of a separator or dot; write / and . themselves';
  return undefined;
}

function spellingFault(text: string, segments: readonly string[], head: Name['head']): string | undefined {
  if (ENCODED.test(text))
    return 'has a percent-encoded letter, digit, separator, dot or control character; give it decoded';
  const part = head === '/' ? (partFault(text) ?? encodedFault(text)) : undefined;
  if (part !== undefined) return part;
  if (text.endsWith('/')) return 'ends with a slash; name the folder without it, or its contents as folder/**';
  if (segments.length > LIMITS.segmentsPerPattern) return `has more than ${LIMITS.segmentsPerPattern} segments`;
  for (const segment of segments) {
    if (segment === '') return 'has a doubled slash; write one';
    if (segment === '.' || segment === '..') return `has the segment ${segment}; give the path that it means`;
    if (DOTS_WITH_PARAMETER.test(segment))
      return `has the segment ${JSON.stringify(clip(segment, 60))}, which servers that drop path parameters read as a dot or nothing; give the path that it means`;
    if (segment === '~' && segment === segments[0] && head === '')
      return 'starts with ~, which is no home directory here; write the path itself';
    if (segment !== segment.trim()) return 'has a segment that starts or ends with a space';
    if (STREAM.test(segment)) return 'names a stream of a file (:$DATA); name the file itself';
    if (segment.length > LIMITS.segmentLength) return `has a segment longer than ${LIMITS.segmentLength} characters`;
  }
  return undefined;
}

/** Finds an encoding in an absolute path: a server decodes it, and a file system does not. */
const encodedFault = (text: string): string | undefined =>
  /%[\da-f]{2}/i.test(text) ? 'has a percent-encoding; give the path decoded' : undefined;

/** The stream of a file or folder on NTFS that is the file or folder itself. */
const STREAM = /:[^:]*:\$(?:data|index_allocation)[. ]*$/i;

/** Checks that a system that folds compatibility forms later (`℀` → `a/c`, `‥` → `..`) finds the same segments. */
function hiddenFault(text: string, segments: readonly string[], head: Name['head']): string | undefined {
  const folded = text.normalize('NFKC');
  if (folded === text) return undefined;
  const hidden = folded.split('/');
  const dots = hidden.some(
    (segment) =>
      segment === '.' ||
      segment === '..' ||
      segment.trim() === '' ||
      DOTS_WITH_PARAMETER.test(segment) ||
      STREAM.test(segment),
  );
  const isPart = head === '' ? /^https?:/i.test(folded) : (partFault(folded) ?? encodedFault(folded)) !== undefined;
  const isSame = hidden.length === segments.length && !dots && !isPart;
  if (isSame && !folded.includes('\\') && !ENCODED.test(folded)) return undefined;
  return 'has a character that some systems read as a separator or dot; write / and . themselves';
}

/**
 * Reports whether the pattern matches the segments of a concrete name. Both must be normalized. It allocates nothing
 * and takes at most pattern × segments steps: after a mismatch only the last `**` can help, by taking one segment more.
 * @param alike whether a token that is another text matches the segment at this index; none does by default
 */
export function matchesSegments(
  pattern: readonly string[],
  segments: readonly string[],
  alike?: (token: string, at: number) => boolean,
): boolean {
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
    } else if (token !== undefined && (token === '*' || token === segments[s] || alike?.(token, s) === true)) {
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

/** Reports whether a pattern matches a concrete name. Both must be normalized. */
export function matchesPath(pattern: string, id: string): boolean {
  const { form, segments, hasGlobs } = pathOf(pattern);
  const name = splitName(id);
  if (form !== name.form) return false;
  const names = name.segments;
  if (!hasGlobs) return matchesSegments(segments, names);
  return matchesSegments(segments, names, (token, at) => isGlob(token) && matchesGlob(token, names[at] as string));
}
