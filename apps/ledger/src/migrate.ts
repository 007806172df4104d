import { migrate, migrateAndReport } from '@bailiwick/event-store/migrations/run';
import { readConfig } from '@bailiwick/platform/config';
import { LedgerHeads1763900000000 } from './read-models/migrations/heads';
import { LedgerGenerations1764100000000 } from './read-models/migrations/generations';
import {
  Ledger1760000100000,
  LedgerCounts1764200000000,
  LedgerPieces1760000300000,
  LedgerWaiting1764300000000,
} from './read-models/migrations/tables';

/** Migrates the ledger's tables. The schema of the event log must exist. */
export const migrateSchema = (url: string): Promise<string[]> =>
  migrate(url, 'ledger_migration', [
    Ledger1760000100000,
    LedgerPieces1760000300000,
    LedgerHeads1763900000000,
    LedgerGenerations1764100000000,
    LedgerCounts1764200000000,
    LedgerWaiting1764300000000,
  ]);

if (require.main === module) migrateAndReport(migrateSchema(readConfig(['database']).databaseUrl));
