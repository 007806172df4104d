import { migrateAndReport, migrateEventLog } from '@bailiwick/event-store/migrations/run';
import { readConfig } from '@bailiwick/platform/config';

/** Brings the event log's schema up to date. Run with the database owner's URL, before the services start. */
export const migrateSchema = migrateEventLog;

if (require.main === module) migrateAndReport(migrateSchema(readConfig(['database']).databaseUrl));
