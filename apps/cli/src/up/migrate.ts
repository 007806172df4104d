import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { BUILT_FLAGS } from '@bailiwick/platform/built';
import { provision } from '@bailiwick/event-store/postgres/provision';

/** Returns the built program of a service, which is another package of this repository. */
export const programOf = (service: string, name: 'main' | 'migrate'): string =>
  resolve(__dirname, '..', '..', '..', service, 'dist', `${name}.js`);

/** The schema of the event log comes first, because the others depend on it. */
const MIGRATIONS = ['delegation', 'ledger', 'intent'];

/**
 * Creates or updates the database, a role per service, and every table. Each migration is one transaction, so after a
 * crash the next start continues with the first missing one.
 * @returns the database URL of each service
 */
export async function prepareDatabase<S extends string>(
  adminUrl: string,
  passwords: Readonly<Record<S, string>>,
): Promise<Record<S, string>> {
  const { ownerUrl, urls } = await provision(adminUrl, passwords);
  for (const name of MIGRATIONS) {
    const result = spawnSync(process.execPath, [...BUILT_FLAGS, programOf(name, 'migrate')], {
      env: { ...process.env, BAILIWICK_DATABASE_URL: ownerUrl },
      encoding: 'utf8',
    });
    if (result.status !== 0) throw new Error(`migrating ${name} failed: ${result.stderr || result.stdout}`);
  }
  return urls;
}
