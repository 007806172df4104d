import { migrateAndTell, migrateEventLog } from '#eventlog/migrations/run';
import { readConfig } from '#platform/config';

/** Brings the event log's schema up to date. Run with the database owner's URL, before the services start. */
migrateAndTell(migrateEventLog(readConfig(['database']).databaseUrl));
