import { isObject } from '../json-text';

/** The revision in which each request states its revision and capabilities, and no connection is initialized. */
export const STATELESS_REVISION = '2026-07-28';

const META = 'io.modelcontextprotocol/';

/** Adds what each request states: the revision, and what its client can be asked. */
export function withRevision(
  params: Record<string, unknown>,
  capabilities: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const { _meta } = params as { _meta?: Record<string, unknown> };
  const stated = {
    [`${META}protocolVersion`]: STATELESS_REVISION,
    [`${META}clientCapabilities`]: capabilities,
    [`${META}clientInfo`]: { name: 'bailiwick-boundary', version: '0.1.0' },
  };
  return { ...params, _meta: { ..._meta, ...stated } };
}

/** Returns the headers of a request, which repeat parts of its body for what is in front of the server. */
export function headersOf(method: string, params: Record<string, unknown>): Record<string, string> {
  const { name, uri } = params;
  const named =
    method === 'resources/read' ? uri : method === 'tools/call' || method === 'prompts/get' ? name : undefined;
  return {
    'mcp-protocol-version': STATELESS_REVISION,
    'mcp-method': headerValue(method),
    ...(typeof named === 'string' ? { 'mcp-name': headerValue(named) } : {}),
  };
}

const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]{1,64}$/;
/** How deeply annotated arguments may be nested. */
const DEPTH = 8;

/** Returns a header for each argument whose schema has `x-mcp-header`, if it is stated and no object or list. */
export function argumentHeaders(schema: unknown, args: unknown, depth = 0): Record<string, string> {
  const headers: Record<string, string> = {};
  if (!isObject(schema) || !isObject(schema.properties) || !isObject(args) || depth > DEPTH) return headers;
  for (const [name, each] of Object.entries(schema.properties)) {
    if (!isObject(each) || !Object.hasOwn(args, name)) continue;
    const { 'x-mcp-header': header } = each;
    const value = args[name];
    const isPrimitive = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    if (typeof header === 'string' && HEADER_NAME.test(header) && isPrimitive)
      headers[`mcp-param-${header.toLowerCase()}`] = headerValue(String(value));
    Object.assign(headers, argumentHeaders(each, value, depth + 1));
  }
  return headers;
}

/** Encodes what is not printable ASCII, is padded, or looks encoded. */
function headerValue(text: string): string {
  const isPlain = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !/^=\?base64\?.*\?=$/i.test(text);
  return isPlain ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`;
}
