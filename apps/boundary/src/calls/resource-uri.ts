import { normalizeResourceId } from '@bailiwick/authority/matching/pattern';
import { partFault } from '@bailiwick/authority/matching/web-address';
import { err, ok, type Result } from '@bailiwick/core/result';
import { BOUNDARY_LIMITS } from '../boundary-limits';

/** The URI of a resource of a server, in the parts that a catalog reads. */
export interface ResourceUri {
  readonly uri: string;
  readonly scheme: string;
  /** `host/path`, or an absolute path if the URI names no host; the whole URI for `http` and `https`; decoded */
  readonly path: string;
}

/** After the colon, two slashes or none: `x:/a` is read as `x:///a` by some. */
const URI = /^([a-z][a-z0-9+.-]{0,40}):(\/\/|(?!\/))([^\s\\]+)$/;

/**
 * Reads the URI of a resource. What servers read as the same resource is read as the same here, or refused: a server would
 * read it as a resource that was not decided about. So there are no segments `.` and `..`, no doubled slash, no backslash,
 * no user, query, fragment or `;`, which servers that parse the URI leave out of the path, whatever the scheme; and nothing
 * is percent-encoded but spaces, brackets and the like, and characters beyond ASCII, which are decoded. A host and port are
 * as the WHATWG URL standard writes them, whatever the scheme: `db://host:/x` and `db://host:05432/x` have another host for
 * most servers than the one that is written.
 */
export function readUri(uri: unknown): Result<ResourceUri, string> {
  if (typeof uri !== 'string') return err('the URI of the resource is missing');
  if (uri.length > BOUNDARY_LIMITS.uriChars)
    return err(`the URI is longer than ${BOUNDARY_LIMITS.uriChars} characters`);
  const [, scheme, slashes, rest] = URI.exec(uri) ?? [];
  if (scheme === undefined || rest === undefined)
    return err('the URI is not of the form scheme:path or scheme://path, with the scheme in lower case');
  if (slashes === '//' && /^[^/]*@/.test(rest))
    return err('the URI has a user or password before its host; leave it out');
  const part = partFault(rest);
  if (part !== undefined) return err(`the URI ${part}`);
  if ((slashes === '//' || SPECIAL.has(scheme)) && !hasOneAuthority(uri, scheme))
    return err(`the URI has another spelling than ${scheme}://, its host and port in the usual form, and a path`);
  const path = decoded(slashes === '//' && (scheme === 'http' || scheme === 'https') ? uri : rest);
  if (path === undefined)
    return err('the URI has a percent-encoding of what needs none, or of nothing; give it decoded');
  const normal = normalizeResourceId(path);
  if (!normal.ok) return err(`the path of the URI ${normal.error}`);
  return normal.value === path ? ok({ uri, scheme, path }) : err(`the URI has another spelling than ${normal.value}`);
}

/** What cannot be in a URI as it is, and is no separator: a space, `"<>[]^` and a backtick, `{|}`. */
const ENCODABLE = /^%(20|22|3c|3e|5b|5d|5e|60|7b|7c|7d|[89a-f][\da-f])$/i;

/** Returns a text decoded; undefined if anything else is encoded in it, or it is no UTF-8. */
function decoded(text: string): string | undefined {
  const encoded = text.match(/%.{0,2}/gs) ?? [];
  if (!encoded.every((each) => ENCODABLE.test(each))) return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Schemes whose URIs are read leniently by what reads addresses of the web: `file:/x` and `file://localhost/x` are `file:///x`. */
const SPECIAL: ReadonlySet<string> = new Set(['file', 'ftp', 'http', 'https', 'ws', 'wss']);

/**
 * Reports whether a URI starts as it is written again: two slashes, and the host with its port, in the usual form. The host
 * of a scheme that the web does not know may be written decoded, as the rest may.
 */
function hasOneAuthority(uri: string, scheme: string): boolean {
  if (!uri.startsWith(`${scheme}://`) || !URL.canParse(uri)) return false;
  const [written = ''] = uri.slice(scheme.length + 3).split('/', 1);
  const { host } = new URL(uri);
  return (
    host === written || (!SPECIAL.has(scheme) && decoded(host) === decoded(written) && decoded(host) !== undefined)
  );
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
