import { migrate, migrateAndReport } from '@bailiwick/event-store/migrations/run';
import { readConfig } from '@bailiwick/platform/config';
import { Intent1760000200000 } from './migrations/1760000200000-progress';

/** Applies the migrations of the service. The schema of the event log must exist. */
export const migrateSchema = (url: string): Promise<string[]> =>
  migrate(url, 'intent_migration', [Intent1760000200000]);

if (require.main === module) migrateAndReport(migrateSchema(readConfig(['database']).databaseUrl));
