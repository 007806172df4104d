import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { migrateEventLog } from '@bailiwick/event-store/migrations/run';
import { testDatabase } from './servers';

export type Service = 'delegation' | 'ledger' | 'intent' | 'gateway';

export interface EventLogDatabase {
  /** connects as the owner of the tables, a superuser in tests */
  readonly url: string;
  /** creates a login with only the rights of this service's role and returns its connection URL */
  as(service: Service): Promise<string>;
  drop(): Promise<void>;
}

/**
 * Creates a migrated event log for one test. Its logins belong to that test as well, because every database of the
 * server, and so every concurrent test, shares the services' roles.
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
        // PostgreSQL does not drop a role that still owns objects
        await query(url, `DROP OWNED BY ${login} CASCADE; DROP ROLE ${login}`);
      }
      await drop();
    },
  };
}

/** Runs one or more statements on a separate connection; returns the rows of a single statement. */
export async function query<Row extends object>(url: string, sql: string, values?: unknown[]): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

/** Polls until a value is defined and returns it. Only the test's time limit ends the wait. */
export async function eventually<T>(poll: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const value = await poll();
    if (value !== undefined) return value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
