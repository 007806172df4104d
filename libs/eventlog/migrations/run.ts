import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { EventLog1760000000000 } from './1760000000000-event-log';

/** Brings the schema of the event log up to date. Safe to run again, and by several at once (TypeORM locks its table). */
export async function migrateEventLog(url: string): Promise<string[]> {
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
