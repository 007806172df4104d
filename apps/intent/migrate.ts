import { DataSource } from 'typeorm';
import { readConfig } from '#platform/config';
import { Intent1760000200000 } from './store';

/** Brings the monitor's table up to date. The event log's schema must be there. */
async function migrateIntent(url: string): Promise<string[]> {
  const source = new DataSource({
    type: 'postgres',
    url,
    migrations: [Intent1760000200000],
    migrationsTableName: 'intent_migration',
    synchronize: false,
  });
  await source.initialize();
  try {
    return (await source.runMigrations({ transaction: 'all' })).map((migration) => migration.name);
  } finally {
    await source.destroy();
  }
}

migrateIntent(readConfig(['database']).databaseUrl).then(
  (done) => console.log(done.length > 0 ? `migrated: ${done.join(', ')}` : 'schema is up to date'),
  (error: unknown) => {
    console.error('the migration failed', error);
    process.exit(1);
  },
);
