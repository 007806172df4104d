import { err, ok, type Result } from '@bailiwick/core/result';

/** The start of a name that is not relative, and the number of segments that it takes. */
export interface Start {
  /** the name with its start in the normal form */
  readonly text: string;
  /** index of the first ordinary segment */
  readonly from: number;
}

/**
 * Normalizes the start of an absolute path (`/todos/5`) or a URL (`https://host/path`); other names have none. An absolute
 * path and a relative one are two names, and so are a URL and its host with its path. The scheme and the host of a URL are
 * lower-case, the scheme's own port is left out, and a URL of a host alone ends without a slash; any other spelling of
 * the same host is refused. @see RFC 3986 §6.2.2.1, §6.2.3
 */
export function startOf(text: string): Result<Start, string> {
  const url = /^([a-z][a-z0-9+.-]*):(\/*)([^/]*)(.*)$/i.exec(text);
  const slashes = url?.[2]?.length ?? 0;
  if (!url || slashes === 0) return ok({ text, from: text.startsWith('/') && text.length > 1 ? 1 : 0 });
  if (slashes === 1) return err('has a scheme with one slash; write two, as in https://host/path');
  const scheme = (url[1] as string).toLowerCase();
  if (scheme === 'file' && slashes === 3) return ok({ text: `file:///${url[3]}${url[4]}`, from: 3 });
  if (slashes > 2) return err('has no host after its scheme; write https://host/path');
  const host = authorityOf(scheme, url[3] as string);
  if (!host.ok) return host;
  const rest = url[4] === '/' ? '' : (url[4] as string);
  return ok({ text: `${scheme}://${host.value}${rest}`, from: 3 });
}

const OWN_PORT: Readonly<Record<string, string>> = { http: '80', ws: '80', https: '443', wss: '443', ftp: '21' };

/** Normalizes host and port. `*` and `**` stand for any host, in a pattern. */
function authorityOf(scheme: string, authority: string): Result<string, string> {
  if (authority === '') return err('has no host after its scheme; write https://host/path');
  if (authority.includes('@')) return err('has a user or password before its host; leave it out');
  const parts = /^(\*\*?|\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::([1-9]\d{0,4}))?$/i.exec(authority);
  if (!parts) return err('has a host that is not written in letters, digits, "." and "-"; write it as in DNS (xn--…)');
  const host = (parts[1] as string).toLowerCase();
  const port = parts[2] === undefined || parts[2] === OWN_PORT[scheme] ? '' : `:${parts[2]}`;
  if (host.startsWith('*')) return ok(`${host}${port}`);
  const fault = hostFault(host);
  return fault === undefined ? ok(`${host}${port}`) : err(fault);
}

/** Finds a second spelling of a host: an address as one number, with leading zeros, or a dot at the end. */
function hostFault(host: string): string | undefined {
  if (host.endsWith('.')) return 'has a dot after its host; leave it out';
  if (!URL.canParse(`http://${host}`)) return 'has a host that is not valid';
  const normal = new URL(`http://${host}`).hostname;
  return normal === host ? undefined : `has the host ${host}, which is ${normal}; write that`;
}
