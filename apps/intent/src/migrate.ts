import { migrate, migrateAndReport } from '@bailiwick/event-store/migrations/run';
import { readConfig } from '@bailiwick/platform/config';
import { Intent1760000200000 } from './migrations/1760000200000-progress';

/** Brings the monitor's table up to date. The event log's schema must be there. */
migrateAndReport(migrate(readConfig(['database']).databaseUrl, 'intent_migration', [Intent1760000200000]));
