import { isObject } from '../json-text';
import { annotatedIn } from '../tools/argument-headers';

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
    'mcp-method': headerValue(method),
    ...(typeof named === 'string' ? { 'mcp-name': headerValue(named) } : {}),
  };
}

/** Returns a header for each annotated argument (`x-mcp-header`) that is stated, and no object or list. */
export function argumentHeaders(schema: unknown, args: unknown): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { path, header } of annotatedIn(schema)) {
    const value = path.reduce<unknown>(
      (at, name) => (isObject(at) && Object.hasOwn(at, name) ? at[name] : undefined),
      args,
    );
    const isPrimitive = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    if (typeof header === 'string' && isPrimitive)
      headers[`mcp-param-${header.toLowerCase()}`] = headerValue(String(value));
  }
  return headers;
}

/** Encodes what is not printable ASCII, is padded, or looks encoded. */
function headerValue(text: string): string {
  const isPlain = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !/^=\?base64\?.*\?=$/i.test(text);
  return isPlain ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`;
}
