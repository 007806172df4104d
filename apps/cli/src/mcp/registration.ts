import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mcpServerName } from '@bailiwick/contracts/mcp/mcp-pin';
import { UsageError } from '../context';
import { writePrivate } from '../write-private';

/** A server as `mcp.json` states it; the boundary checks it. */
export interface Registration {
  readonly tenant: string;
  readonly upstream:
    | { readonly url: string }
    | { readonly command: string; readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> };
  readonly credentials?: { readonly headers: Readonly<Record<string, string | { readonly secret: string }>> };
  readonly tools?: readonly string[];
}

/** Adds a server to `mcp.json`, or replaces the one of its name. @throws UsageError */
export function registerServer(dataDir: string, name: string, registration: Registration): void {
  const parsed = mcpServerName.safeParse(name);
  if (!parsed.success)
    throw new UsageError(`the name of a server ${parsed.error.issues[0]?.message ?? 'is not valid'}`);
  write(dataDir, { ...serversIn(dataDir), [name]: registration });
}

/** Removes a server from `mcp.json`. @returns whether it existed */
export function unregisterServer(dataDir: string, name: string): boolean {
  const { [name]: removed, ...servers } = serversIn(dataDir);
  if (removed !== undefined) write(dataDir, servers);
  return removed !== undefined;
}

function serversIn(dataDir: string): Record<string, unknown> {
  const file = join(dataDir, 'mcp.json');
  if (!existsSync(file)) return {};
  return (JSON.parse(readFileSync(file, 'utf8')) as { servers?: Record<string, unknown> }).servers ?? {};
}

const write = (dataDir: string, servers: Record<string, unknown>): void =>
  writePrivate(join(dataDir, 'mcp.json'), `${JSON.stringify({ servers }, null, 2)}\n`);
