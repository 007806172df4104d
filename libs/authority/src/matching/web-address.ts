import { err, ok, type Result } from '@bailiwick/core/result';

/** A URL taken apart: `head` is its normalized scheme, `host` the normalized host with its port. */
export interface WebAddress {
  readonly head: 'http://' | 'https://';
  readonly host: string;
  /** the path without its first slash, decoded once; empty if the URL has none */
  readonly path: string;
}

/**
 * Reads a URL of `http` or `https`. Normalized is only what RFC 3986 calls equivalent: the case of scheme and host, the
 * scheme's own port, an empty path, and percent-encodings of characters that a path cannot contain otherwise (a space, `[`,
 * letters outside ASCII), which are decoded. Everything else that has a second reading is refused: a query, a fragment,
 * a user name, path parameters, other encodings, a host that is not in the form of DNS.
 * @param text a text that starts with the scheme and `//`
 * @see RFC 3986 §3.3, §6.2.2, §6.2.3
 */
export function readWebAddress(text: string): Result<WebAddress, string> {
  const [, name = '', authority = '', rest = ''] = /^(https?):\/\/([^/?#]*)(.*)$/is.exec(text) ?? [];
  const scheme = name.toLowerCase() === 'https' ? 'https' : 'http';
  const host = hostOf(authority, scheme);
  if (!host.ok) return host;
  const fault = partFault(rest);
  if (fault !== undefined) return err(fault);
  const path = decodedOnce(rest.slice(1));
  return path.ok ? ok({ head: `${scheme}://`, host: host.value, path: path.value }) : path;
}

/** Finds a part that is no path: a query, a fragment, or path parameters. */
export function partFault(path: string): string | undefined {
  if (path.includes('?')) return 'has a query (?); leave it out, and send what matters in it as attributes';
  if (path.includes('#')) return 'has a fragment (#); leave it out, since no server gets it';
  if (path.includes(';')) return 'has a ;, after which servers read parameters of a path; leave them out';
  return undefined;
}

const OWN_PORT = { http: '80', https: '443' };

function hostOf(authority: string, scheme: 'http' | 'https'): Result<string, string> {
  if (authority === '') return err('has no host after its scheme; write https://host/path');
  if (authority.includes('@')) return err('has a user or password before its host; leave it out');
  if (/[[\]]/.test(authority)) return err('has an IPv6 address, which has many spellings; write the name of the host');
  const [host = '', port, more] = authority.toLowerCase().split(':');
  if (more !== undefined || (port !== undefined && !isPort(port)))
    return err('has a port that is not written as a number from 1 to 65535');
  const fault = hostFault(host);
  if (fault !== undefined) return err(fault);
  return ok(port === undefined || port === OWN_PORT[scheme] ? host : `${host}:${port}`);
}

const isPort = (port: string): boolean => /^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65_535;

/** Finds a fault in a host in lower case; `*` stands for a whole host, or with a dot for its first labels. */
function hostFault(host: string): string | undefined {
  if (host === '*' || host === '**') return undefined;
  const name = host.startsWith('*.') ? host.slice(2) : host;
  if (name.includes('*')) return 'has a * in its host; write *.example.com, or * for any host';
  if (name.endsWith('.')) return 'has a dot after its host; leave it out';
  const labels = name.split('.');
  if (name.length > 253 || !labels.every((label) => LABEL.test(label)))
    return 'has a host that is not written in letters, digits and hyphens; write it as DNS has it (xn--…)';
  // a last label of digits makes it an address, of which there are many spellings (0x7f.1, 127.1, 0177.0.0.1)
  if (/^(?:\d+|0x[\da-f]*)$/.test(labels.at(-1) as string) && !(host === name && IPV4.test(name)))
    return 'has an address that is not written as four decimal numbers';
  return undefined;
}

/** A label of DNS; one whose punycode encodes nothing but ASCII would be a second spelling. */
const LABEL = /^(?!xn--(?:.*-)?$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const OCTET = '(?:0|[1-9]\\d?|1\\d\\d|2[0-4]\\d|25[0-5])';
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);

/** Characters of ASCII that a path contains only encoded, except `%`, control characters and separators. */
const NEEDS_ENCODING = ' "<>[]^`{|}';

function decodedOnce(path: string): Result<string, string> {
  if (!path.includes('%')) return ok(path);
  if (/%(?![\da-f]{2})/i.test(path)) return err('has a % that encodes nothing');
  const needless = (path.match(/%[0-7][\da-f]/gi) ?? []).some(
    (each) => !NEEDS_ENCODING.includes(String.fromCharCode(parseInt(each.slice(1), 16))),
  );
  if (needless)
    return err('has a percent-encoded letter, digit, separator, sign or control character; give it decoded');
  try {
    return ok(decodeURIComponent(path));
  } catch {
    return err('has a percent-encoding that is not UTF-8');
  }
}
