import { canonicalDigest, sha256hex } from '@bailiwick/core/digest';
import { parseExactly } from '@bailiwick/core/json';
import { annotationFault } from './argument-headers';
import { LIMITS } from '@bailiwick/core/limits';

/** The definition of a tool as its server wrote it. */
export interface Definition {
  readonly name: string;
  readonly raw: string;
  /** of the whole definition in canonical form (RFC 8785) */
  readonly digest: string;
  readonly inputSchema: unknown;
  /** why the tool cannot be used, whatever is approved */
  readonly fault?: string;
}

/** The characters that the names of tools may have, as MCP states them. */
const NAME = /^[A-Za-z0-9_.-]{1,128}$/;

/** Reads the raw text of a definition. One that two readers could read differently has a fault. */
export function readDefinition(raw: string): Definition {
  const unusable = (name: string, fault: string): Definition => ({
    name,
    raw,
    digest: `sha256:${sha256hex(raw)}`,
    inputSchema: undefined,
    fault,
  });
  if (raw.length > LIMITS.mcp.definitionChars)
    return { ...unusable('', `its definition is longer than ${LIMITS.mcp.definitionChars} characters`), raw: '' };
  try {
    const value = parseExactly(raw) as { name?: unknown; inputSchema?: unknown } | null;
    const name = typeof value?.name === 'string' ? value.name : '';
    if (!NAME.test(name)) return unusable(name, 'its name has characters that names of tools must not have');
    const fault = annotationFault(value?.inputSchema);
    if (fault !== undefined) return unusable(name, fault);
    return { name, raw, digest: canonicalDigest(value), inputSchema: value?.inputSchema };
  } catch (error) {
    return unusable('', `its definition is ambiguous: ${(error as Error).message}`);
  }
}

/** The name of a tool of a server in a policy, as clients of several servers write it. */
export const catalogName = (server: string, tool: string): string => `mcp__${server}__${tool}`;

/** The digest of all that a server offers: its identity, and the name and definition of each tool. */
export const serverDigest = (identity: string, tools: readonly Pick<Definition, 'name' | 'digest'>[]): string =>
  canonicalDigest({ identity, tools: tools.map(({ name, digest }) => `${name} ${digest}`).sort() });
