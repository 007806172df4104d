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
  readonly credentials?: { readonly headers: Readonly<Record<string, string>> };
}

/** Adds a server to `mcp.json`, or replaces the one of its name. @throws UsageError */
export function registerServer(dataDir: string, name: string, registration: Registration): void {
  const parsed = mcpServerName.safeParse(name);
  if (!parsed.success)
    throw new UsageError(`the name of a server ${parsed.error.issues[0]?.message ?? 'is not valid'}`);
  const file = join(dataDir, 'mcp.json');
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { servers?: object }) : {};
  const servers = { ...known.servers, [name]: registration };
  writePrivate(file, `${JSON.stringify({ servers }, null, 2)}\n`);
}
