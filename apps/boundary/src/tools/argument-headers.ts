import { isObject } from '../json-text';

/** An argument that a header of the request repeats (MCP 2026-07-28, `x-mcp-header`). */
export interface Annotated {
  readonly path: readonly string[];
  readonly header: unknown;
  readonly type: unknown;
}

/** A field name (RFC 9110, section 5.1), not too long for one. */
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]{1,64}$/;
const TYPES: readonly unknown[] = ['string', 'integer', 'boolean'];
/** How deeply annotated arguments may be nested. */
const DEPTH = 8;

/** Returns the annotated arguments of a schema, at any depth of its properties. */
export function annotatedIn(schema: unknown, path: readonly string[] = []): Annotated[] {
  if (!isObject(schema) || !isObject(schema.properties) || path.length > DEPTH) return [];
  return Object.entries(schema.properties).flatMap(([name, each]) => {
    if (!isObject(each)) return [];
    const at = [...path, name];
    const own = Object.hasOwn(each, 'x-mcp-header')
      ? [{ path: at, header: each['x-mcp-header'], type: each.type }]
      : [];
    return [...own, ...annotatedIn(each, at)];
  });
}

/** Returns why a tool with this schema must not be used: its annotations are not those of the specification. */
export function annotationFault(schema: unknown): string | undefined {
  const seen = new Set<string>();
  for (const { path, header, type } of annotatedIn(schema)) {
    const at = `its argument ${path.join('.').slice(0, 100)}`;
    if (typeof header !== 'string' || !HEADER_NAME.test(header)) return `${at} names no header with x-mcp-header`;
    if (!TYPES.includes(type)) return `${at} is repeated in a header, and is no string, integer or boolean`;
    if (seen.has(header.toLowerCase())) return `${at} is repeated in the same header as another`;
    seen.add(header.toLowerCase());
  }
  return undefined;
}
