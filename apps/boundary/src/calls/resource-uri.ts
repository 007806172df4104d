import { normalizeResourceId } from '@bailiwick/authority/matching/pattern';
import { err, ok, type Result } from '@bailiwick/core/result';
import { BOUNDARY_LIMITS } from '../limits';

/** The URI of a resource of a server, in the parts that a catalog reads. */
export interface ResourceUri {
  readonly uri: string;
  readonly scheme: string;
  /** `host/path`, or an absolute path if the URI names no host; the whole URI for `http` and `https` */
  readonly path: string;
}

const URI = /^([a-z][a-z0-9+.-]{0,40}):(\/\/)?([^\s\\]+)$/;

/**
 * Reads the URI of a resource. Only its one spelling is admitted: a server would read another one as a resource that was
 * not decided about. So there are no segments `.` and `..`, no doubled slash, no backslash, and nothing percent-encoded
 * that need not be.
 */
export function readUri(uri: unknown): Result<ResourceUri, string> {
  if (typeof uri !== 'string') return err('the URI of the resource is missing');
  if (uri.length > BOUNDARY_LIMITS.uriChars)
    return err(`the URI is longer than ${BOUNDARY_LIMITS.uriChars} characters`);
  const [, scheme, slashes, rest] = URI.exec(uri) ?? [];
  if (scheme === undefined || rest === undefined)
    return err('the URI is not of the form scheme:path, with the scheme in lower case');
  const path = slashes !== undefined && (scheme === 'http' || scheme === 'https') ? uri : rest;
  const normal = normalizeResourceId(path);
  if (!normal.ok) return err(`the path of the URI ${normal.error}`);
  return normal.value === path ? ok({ uri, scheme, path }) : err(`the URI has another spelling than ${normal.value}`);
}

/**
 * The id of a resource of type `mcp` that no entry of the catalog names otherwise: `{server}/resources/{scheme}/{path}`.
 * The scheme has a colon if the URI has no host, and two if it has no slashes either, so that no two URIs share an id.
 */
export function resourceIdOf(server: string, { uri, scheme, path }: ResourceUri): string {
  const hasSlashes = uri.startsWith(`${scheme}://`);
  const below = path.startsWith(`${scheme}://`) ? path.slice(scheme.length + 3) : path;
  const kind = hasSlashes ? (below.startsWith('/') ? ':' : '') : '::';
  return `${server}/resources/${scheme}${kind}/${below.replace(/^\//, '')}`;
}
