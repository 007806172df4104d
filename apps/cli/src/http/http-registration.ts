import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mcpServerName } from '@bailiwick/contracts/mcp/mcp-pin';
import { UsageError } from '../context';
import { writePrivate } from '../write-private';

/** An API as `http.json` states it; the boundary checks it. */
export interface ApiRegistration {
  readonly tenant: string;
  readonly upstream: { readonly url: string };
  readonly credentials?: { readonly headers: Readonly<Record<string, string>> };
  readonly headers?: readonly string[];
  readonly authorizedBody?: 'sent';
}

interface HttpFile {
  readonly apis?: Readonly<Record<string, ApiRegistration>>;
  readonly [other: string]: unknown;
}

/** Adds an API to `http.json`, or replaces the one of its name. @throws UsageError */
export function registerApi(dataDir: string, name: string, registration: ApiRegistration): void {
  checkName(name);
  const known = readHttpFile(dataDir);
  const apis = { ...known.apis, [name]: registration };
  writePrivate(join(dataDir, 'http.json'), `${JSON.stringify({ ...known, apis }, null, 2)}\n`);
}

export function checkName(name: string): void {
  const parsed = mcpServerName.safeParse(name);
  if (!parsed.success) throw new UsageError(`the name of an API ${parsed.error.issues[0]?.message ?? 'is not valid'}`);
}

export function readHttpFile(dataDir: string): HttpFile {
  const file = join(dataDir, 'http.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as HttpFile) : {};
}
