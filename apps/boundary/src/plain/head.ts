import { err, ok, type Result } from '@bailiwick/core/result';
import { PLAIN_LIMITS } from './plain-limits';

/** The headers of a request, by their names in lower case. None that matters is repeated. */
export type Headers = ReadonlyMap<string, string>;

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
export const isMethod = (text: string | undefined): text is string => text !== undefined && METHODS.has(text);

/** By these a server takes another method or address than that of the request line. */
const OVERRIDES = /^(x-http-method(-override)?|x-method-override|x-original-url|x-rewrite-url)$/;
/** The same, in which proxies state requests. */
const STATED = /^(x-original-(uri|method)|x-forwarded-(uri|method|prefix))$/;

/** Headers that a request may have several of; none of them is passed on. */
const LISTS: ReadonlySet<string> = new Set(['via', 'x-forwarded-for', 'forwarded', 'cookie', 'te', 'accept-encoding']);

/**
 * Reads the headers of a request.
 * @param rawHeaders names and values in turn, as the parser of Node read them
 * @param fromProxy the headers are those that an authorizing proxy sends, which states the request in some of them
 * @returns as the error, why the request is ambiguous: servers would read it in different ways
 */
export function readHeaders(rawHeaders: readonly string[], fromProxy = false): Result<Headers, string> {
  const headers = new Map<string, string>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase();
    const value = rawHeaders[i + 1] as string;
    // servers that write a header as a variable read both as one
    if (name.includes('_')) return err(`the header ${name.slice(0, 40)} has an underscore`);
    if (OVERRIDES.test(name) || (!fromProxy && STATED.test(name)))
      return err(`the header ${name} states another request`);
    if (LISTS.has(name)) continue;
    if (headers.has(name)) return err(`the header ${name.slice(0, 40)} is repeated`);
    headers.set(name, value);
  }
  if (headers.size > PLAIN_LIMITS.headers) return err(`there are more than ${PLAIN_LIMITS.headers} headers`);
  if (headers.has('transfer-encoding') && headers.get('transfer-encoding')?.toLowerCase() !== 'chunked')
    return err('the transfer encoding is not chunked');
  if (headers.has('transfer-encoding') && headers.has('content-length')) return err('the request has two lengths');
  if (headers.has('upgrade')) return err('the request asks for another protocol');
  if (headers.has('content-encoding')) return err('the body is compressed, and cannot be read');
  if (headers.has('trailer')) return err('the request has headers after its body');
  return ok(headers);
}
