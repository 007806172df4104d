import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { BUILT_FLAGS } from '@bailiwick/platform/built';
import { provision } from '@bailiwick/event-store/postgres/provision';

/** The built program of a service: the command line and the services are packages of one repository. */
export const programOf = (service: string, name: 'main' | 'migrate'): string =>
  resolve(__dirname, '..', '..', '..', service, 'dist', `${name}.js`);

/** The event log's schema first: the others stand on it. */
const MIGRATIONS = ['delegation', 'ledger', 'intent'];

/**
 * Makes the database, a role for each service, and every table, or brings them up to date. Dying anywhere: each
 * migration is one transaction, and the next start goes on where this one ended.
 * @returns each service's own URL
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
