import { migrateAndReport, migrateEventLog } from '@bailiwick/event-store/migrations/run';
import { readConfig } from '@bailiwick/platform/config';

/** Brings the event log's schema up to date. Run with the database owner's URL, before the services start. */
migrateAndReport(migrateEventLog(readConfig(['database']).databaseUrl));
