import 'reflect-metadata';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { EventLog1760000000000 } from './1760000000000-event-log';

/** Any number, the same for all who migrate: the name of the lock. */
const LOCK = 1_760_000_000;

/** Brings the schema of the event log up to date. Safe to run again, and by several at once: one does it, all see it. */
export async function migrateEventLog(url: string): Promise<string[]> {
  const gate = new Client({ connectionString: url });
  await gate.connect();
  try {
    await gate.query('SELECT pg_advisory_lock($1)', [LOCK]);
    return await migrate(url);
  } finally {
    await gate.end(); // the lock is the connection's: dying lets it go too
  }
}

async function migrate(url: string): Promise<string[]> {
  const source = new DataSource({
    type: 'postgres',
    url,
    migrations: [EventLog1760000000000],
    migrationsTableName: 'eventlog_migration',
    synchronize: false,
  });
  await source.initialize();
  try {
    return (await source.runMigrations({ transaction: 'all' })).map((migration) => migration.name);
  } finally {
    await source.destroy();
  }
}
