import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { migrateEventLog } from '@bailiwick/event-store/migrations/run';
import { testDatabase } from './servers';

export type Service = 'delegation' | 'ledger' | 'intent' | 'gateway';

export interface EventLogDatabase {
  /** as the owner of the tables, who is a superuser here */
  readonly url: string;
  /** as a login that has the rights of this service's role and no others */
  as(service: Service): Promise<string>;
  drop(): Promise<void>;
}

/**
 * A migrated event log of a test's own. Its logins are its own too: the services' roles are shared by every database
 * of the server, and by every test that runs at the same time.
 */
export async function eventLogDatabase(): Promise<EventLogDatabase> {
  const { url, drop } = await testDatabase();
  const logins: string[] = [];
  await migrateEventLog(url);
  return {
    url,
    async as(service) {
      const login = `test_${service}_${randomBytes(6).toString('hex')}`;
      const password = randomBytes(12).toString('hex');
      await query(url, `CREATE ROLE ${login} LOGIN PASSWORD '${password}' IN ROLE bailiwick_${service}`);
      logins.push(login);
      const own = new URL(url);
      own.username = login;
      own.password = password;
      return own.toString();
    },
    async drop() {
      for (const login of logins) {
        // what it made in this database goes with it: else the role could not go
        await query(url, `DROP OWNED BY ${login} CASCADE; DROP ROLE ${login}`);
      }
      await drop();
    },
  };
}

/** Runs a statement (or several) on a connection of its own; the rows of a single one. */
export async function query<Row extends object>(url: string, sql: string, values?: unknown[]): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

/** Waits until a condition holds; the test's own time limit is the only clock. */
export async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
