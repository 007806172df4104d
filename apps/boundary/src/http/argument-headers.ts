import type { IncomingHttpHeaders } from 'node:http';
import { argumentHeaders } from '../upstream/stateless';
import { annotatedIn } from '../tools/argument-headers';
import { decoded, mismatch, STATELESS } from './revisions';

/** The headers of a request that repeat arguments start so. */
const PREFIX = 'mcp-param-';

/**
 * Compares the headers that repeat arguments (`x-mcp-header`) with the arguments: what is in front of this service may
 * route or refuse by them, and must not have seen another call. Unknown ones state nothing.
 * @param schema of the arguments of the tool
 * @throws NotAMessage
 */
export function compareArguments(
  schema: unknown,
  args: Record<string, unknown>,
  headers: IncomingHttpHeaders,
  revision: string,
): void {
  const expected = argumentHeaders(schema, args);
  for (const { header, type } of annotatedIn(schema)) {
    if (typeof header !== 'string') continue;
    const name = PREFIX + header.toLowerCase();
    const stated = headers[name];
    if (stated === undefined && revision !== STATELESS) continue;
    const value = expected[name] === undefined ? undefined : decoded(expected[name]);
    const given = typeof stated === 'string' ? decoded(stated) : undefined;
    const isSame =
      stated === undefined || value === undefined
        ? stated === undefined && value === undefined
        : given === value || (type === 'integer' && isSameNumber(given, value));
    if (!isSame) throw mismatch(`the header ${name} is missing, or states something else than the arguments`);
  }
}

/** Compares whole numbers exactly: beyond 2^53, several texts stand for one number of JavaScript. */
function isSameNumber(given: string | undefined, value: string): boolean {
  const [a, b] = [given, value].map((text) => /^(-?\d+)(?:\.0+)?$/.exec(text ?? '')?.[1]);
  return a !== undefined && b !== undefined && BigInt(a) === BigInt(b);
}
