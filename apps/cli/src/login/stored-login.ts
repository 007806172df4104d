import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writePrivate } from '../write-private';

/** A person who has signed in on this machine. */
export interface StoredLogin {
  /** the service that the token is for; it is sent nowhere else */
  readonly url: string;
  readonly issuer: string;
  readonly token: string;
  /** RFC 3339 */
  readonly expiresAt: string;
}

const fileOf = (dataDir: string): string => join(dataDir, 'login.json');

export function readLogin(dataDir: string): StoredLogin | undefined {
  const file = fileOf(dataDir);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as StoredLogin) : undefined;
}

/** Stores a token in a file that only its owner can read. */
export function writeLogin(dataDir: string, login: StoredLogin): void {
  const file = fileOf(dataDir);
  mkdirSync(dirname(file), { recursive: true, mode: 0o711 });
  writePrivate(file, `${JSON.stringify(login, null, 2)}\n`);
}

/** @returns whether a person was signed in */
export function removeLogin(dataDir: string): boolean {
  const known = existsSync(fileOf(dataDir));
  rmSync(fileOf(dataDir), { force: true });
  return known;
}
