import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { readConfig } from '#platform/config';
import { Ledger1760000100000 } from './migrations';

/** Brings the ledger's tables up to date. The event log's schema must be there. */
export async function migrateLedger(url: string): Promise<string[]> {
  const source = new DataSource({
    type: 'postgres',
    url,
    migrations: [Ledger1760000100000],
    migrationsTableName: 'ledger_migration',
    synchronize: false,
  });
  await source.initialize();
  try {
    return (await source.runMigrations({ transaction: 'all' })).map((migration) => migration.name);
  } finally {
    await source.destroy();
  }
}

if (require.main === module) {
  migrateLedger(readConfig(['database']).databaseUrl).then(
    (done) => console.log(done.length > 0 ? `migrated: ${done.join(', ')}` : 'schema is up to date'),
    (error: unknown) => {
      console.error('the migration failed', error);
      process.exit(1);
    },
  );
}
