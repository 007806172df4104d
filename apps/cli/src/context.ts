import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BailiwickClient } from '@bailiwick/client/client';
import { systemClock } from '@bailiwick/core/clock';
import { readLogin } from './login/stored-login';

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

/** The address of the service: --url, the environment, the person who signed in here, or the first start. */
export function serviceUrl(options: GlobalOptions): string {
  const url =
    options.url ?? process.env.BAILIWICK_URL ?? readLogin(dataDir(options))?.url ?? readCredentials(options)?.url;
  if (!url) throw new UsageError('no service configured: start one here with `bailiwick up`, or give --url');
  return url.replace(/\/$/, '');
}

/**
 * The token of the person who signed in here, for the service that it was issued for.
 * @throws UsageError if it has expired: the command would act as another caller without notice
 */
function signedInAt(url: string | undefined, options: GlobalOptions): string | undefined {
  const login = readLogin(dataDir(options));
  if (!login || (url !== undefined && url.replace(/\/$/, '') !== login.url)) return undefined;
  if (Date.parse(login.expiresAt) > systemClock.now()) return login.token;
  throw new UsageError('your sign-in has expired: repeat `bailiwick login`, or forget it with `bailiwick logout`');
}

/** Makes a client from --url and --key, else the environment, else the person who signed in, else the credentials of the first start for `role`. */
export function clientFor(options: GlobalOptions, role: string): BailiwickClient {
  const credentials = readCredentials(options);
  const named = options.url ?? process.env.BAILIWICK_URL;
  const given = options.key ?? process.env.BAILIWICK_KEY;
  const person = given === undefined ? signedInAt(named, options) : undefined;
  const url = named ?? (person === undefined ? undefined : readLogin(dataDir(options))?.url) ?? credentials?.url;
  const key = given ?? person ?? credentials?.keys[role];
  if (!url || !key) {
    throw new UsageError(
      'no service and key configured: start a service here with `bailiwick up`, or give --url and --key (or BAILIWICK_URL and BAILIWICK_KEY)',
    );
  }
  // the command line shows the obligations of a permit: its user applies them
  return new BailiwickClient({ url: url.replace(/\/$/, ''), key, understands: 'all' });
}
