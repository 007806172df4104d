import { err, ok, type Result } from '@bailiwick/core/result';
import { PLAIN_LIMITS } from './plain-limits';

/** The target of a request, in the one form in which every server reads it alike. */
export interface Target {
  /** the names of the path, decoded */
  readonly segments: readonly string[];
  /** the path ends with a slash */
  readonly isFolder: boolean;
  /** name and value of each parameter, decoded, in their order */
  readonly query: readonly (readonly [name: string, value: string])[];
}

/**
 * Reads path and query of a request.
 * @returns as the error, why servers may read it in different ways, such as an encoded slash, a dot segment or an empty one
 */
export function readTarget(text: string): Result<Target, string> {
  if (text.length > PLAIN_LIMITS.targetChars)
    return err(`the address is longer than ${PLAIN_LIMITS.targetChars} characters`);
  if (!/^\/[\x21-\x7e]*$/.test(text) || /[\\#"<>^`{|}]/.test(text))
    return err('the address has characters that must be encoded');
  const mark = text.indexOf('?');
  const path = mark < 0 ? text : text.slice(0, mark);
  const segments = readPath(path);
  if (!segments.ok) return segments;
  const query = mark < 0 ? ok([]) : readParameters(text.slice(mark + 1));
  if (!query.ok) return query;
  return ok({ segments: segments.value, isFolder: path.length > 1 && path.endsWith('/'), query: query.value });
}

/** Writes a target. Whatever the agent encoded, what needs it is encoded, and nothing else. */
export function writeTarget({ segments, isFolder, query }: Target): string {
  const path = segments.map((each) => `/${encoded(each)}`).join('');
  const parameters = query.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&');
  return `${path}${isFolder || path === '' ? '/' : ''}${parameters === '' ? '' : `?${parameters}`}`;
}

/** Reads the parameters of a query or of a form. @returns as the error, why they are ambiguous */
export function readParameters(text: string): Result<(readonly [string, string])[], string> {
  const parts = text.split('&').filter((each) => each !== '');
  if (parts.length > PLAIN_LIMITS.parameters) return err(`there are more than ${PLAIN_LIMITS.parameters} parameters`);
  const parameters: (readonly [string, string])[] = [];
  for (const part of parts) {
    // some servers separate parameters by it
    if (part.includes(';')) return err('a parameter has a semicolon that is not encoded');
    const at = part.indexOf('=');
    const [name, value] = [at < 0 ? part : part.slice(0, at), at < 0 ? '' : part.slice(at + 1)].map((each) =>
      decoded(each.replaceAll('+', ' ')),
    );
    if (name === undefined || value === undefined) return err('a parameter is not encoded as UTF-8');
    if (name === '' || name === '__proto__' || CONTROL.test(name) || value.includes('\0'))
      return err('a parameter has no usable name or value');
    parameters.push([name, value]);
  }
  return ok(parameters);
}

/** Collects parameters by name: the value of one, and the list of the values of a repeated one. */
export function collected(parameters: Target['query']): Record<string, string | string[]> {
  const values = new Map<string, string[]>();
  for (const [name, value] of parameters) values.set(name, [...(values.get(name) ?? []), value]);
  return Object.fromEntries([...values].map(([name, all]) => [name, all.length === 1 ? (all[0] as string) : all]));
}

function readPath(path: string): Result<string[], string> {
  if (path === '/') return ok([]);
  const parts = path.slice(1).split('/');
  if (parts[parts.length - 1] === '') parts.pop();
  if (parts.length > PLAIN_LIMITS.segments) return err(`the path has more than ${PLAIN_LIMITS.segments} segments`);
  const segments: string[] = [];
  for (const part of parts) {
    const segment = decoded(part);
    if (segment === undefined) return err('the path is not encoded as UTF-8');
    if (segment === '') return err('the path has an empty segment');
    const wrong = isAmbiguous(segment);
    if (wrong !== undefined) return err(`the path has ${wrong}`);
    segments.push(segment);
  }
  return ok(segments);
}

/** What a server behind may take for something else than a name. */
function isAmbiguous(segment: string): string | undefined {
  if (CONTROL.test(segment)) return 'a control character';
  if (segment.includes(';')) return 'a semicolon, after which some servers see parameters';
  if (/%[0-9a-f]{2}/i.test(segment)) return 'a segment that is encoded twice';
  const folded = segment.normalize('NFKC');
  if (/[/\\]/.test(folded)) return 'an encoded slash';
  if (/^\.+$/.test(folded.trim())) return 'a dot segment';
  if (segment !== segment.normalize('NFC')) return 'a name with two forms in Unicode';
  return undefined;
}

const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** @returns undefined for a percent sign that encodes nothing, and for bytes that are not UTF-8 */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);
