import { migrateEventLog } from '#eventlog/migrations/run';
import { readConfig } from '#platform/config';

/** Brings the event log's schema up to date. Run with the database owner's URL, before the services start. */
migrateEventLog(readConfig(['database']).databaseUrl).then(
  (done) => console.log(done.length > 0 ? `migrated: ${done.join(', ')}` : 'schema is up to date'),
  (error: unknown) => {
    console.error('the migration failed', error);
    process.exit(1);
  },
);
