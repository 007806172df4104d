import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BailiwickClient } from '@bailiwick/client/client';

/** Options that every command takes. */
export interface GlobalOptions {
  url?: string;
  key?: string;
  data?: string;
  json?: boolean;
}
export interface Credentials {
  url: string;
  tenant: string;
  keys: Record<string, string>;
}

export const dataDir = (options: GlobalOptions): string =>
  resolve(options.data ?? process.env.BAILIWICK_DATA ?? '.bailiwick');

export function readCredentials(options: GlobalOptions): Credentials | undefined {
  const file = join(dataDir(options), 'credentials.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Credentials) : undefined;
}

/** Wrong usage of a command; ends it with exit code 2. */
export class UsageError extends Error {}

/** Makes a client from --url and --key, else the environment, else the credentials of the first start for `role`. */
export function clientFor(options: GlobalOptions, role: string): BailiwickClient {
  const credentials = readCredentials(options);
  const url = options.url ?? process.env.BAILIWICK_URL ?? credentials?.url;
  const key = options.key ?? process.env.BAILIWICK_KEY ?? credentials?.keys[role];
  if (!url || !key) {
    throw new UsageError(
      'no service and key configured: start a service here with `bailiwick up`, or give --url and --key (or BAILIWICK_URL and BAILIWICK_KEY)',
    );
  }
  // the command line shows the obligations of a permit: its user applies them
  return new BailiwickClient({ url: url.replace(/\/$/, ''), key, understands: 'all' });
}
