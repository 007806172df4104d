import { resolve } from 'node:path';
import { provision } from '@bailiwick/event-store/postgres/provision';

/** Returns the built program of a service, which is another package of this repository. */
export const programOf = (service: string, name: 'main' | 'migrate' | 'service'): string =>
  resolve(__dirname, '..', '..', '..', service, 'dist', `${name}.js`);

/** What the `migrate` program of a service exports. */
interface Migration {
  /** @returns the names of the migrations that were applied */
  readonly migrateSchema: (url: string) => Promise<string[]>;
}

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
    // in this process: a process each would take longer to start than all migrations to run
    const { migrateSchema } = (await import(programOf(name, 'migrate'))) as Migration;
    await migrateSchema(ownerUrl).catch((error: unknown) => {
      throw new Error(`migrating ${name} failed: ${(error as Error).message}`, { cause: error });
    });
  }
  return urls;
}
