import 'reflect-metadata';
import { Client } from 'pg';
import { DataSource, type MigrationInterface } from 'typeorm';
import { EventLog1760000000000 } from './1760000000000-event-log';
import { Erasure1764000001000 } from './1764000001000-erasure';
import { Imports1764000002000 } from './1764000002000-imports';
import { LedgerSnapshots1764100000000 } from './1764100000000-ledger-snapshots';
import { LogOwners1760000000001 } from './1760000000001-log-owners';
import { AccessKeys1764500000000 } from './1764500000000-access-keys';
import { McpPins1764600000000 } from './1764600000000-mcp-pins';
import { McpServers1764630000001 } from './1764630000001-mcp-servers';
import { PersonNames1764610000000 } from './1764610000000-person-names';
import { KeyRecords1764610000001 } from './1764610000001-key-records';
import { ClientKeys1764620000000 } from './1764620000000-client-keys';
import { Sessions1764630000000 } from './1764630000000-sessions';
import { Webhooks1764640000000 } from './1764640000000-webhooks';
import { WebhookCallbacks1764640000001 } from './1764640000001-webhook-callbacks';
import { WebhookCallbackEnds1764640000002 } from './1764640000002-webhook-callback-ends';
import { SsfStreams1764650000000 } from './1764650000000-ssf-streams';
import { FoundByBody1764300000000 } from './1764300000000-found-by-body';
import { FewerIndexes1764000000000 } from './1764000000000-fewer-indexes';
import { LIMITS } from '@bailiwick/core/limits';
import { NoLookUp1763800000000 } from './1763800000000-no-look-up';
import { OpenedFor1764200000000 } from './1764200000000-opened-for';
import { SnapshotParts1763700000000 } from './1763700000000-snapshot-parts';

/** Identifies the lock; an arbitrary number, the same for all who migrate. */
const LOCK = 1_760_000_000;

/**
 * Brings one schema up to date. Safe to repeat, and to run several times concurrently: one run applies the migrations,
 * the others wait. A crash leaves the schema unchanged, since everything is one transaction.
 * @param table where TypeORM records applied migrations
 * @returns the names of the migrations that were applied
 */
export async function migrate(
  url: string,
  table: string,
  migrations: (new () => MigrationInterface)[],
): Promise<string[]> {
  const gate = new Client({ connectionString: url, connectionTimeoutMillis: LIMITS.databaseMs });
  await gate.connect();
  try {
    await gate.query('SELECT pg_advisory_lock($1)', [LOCK]);
    return await run(
      new DataSource({ type: 'postgres', url, migrations, migrationsTableName: table, synchronize: false }),
    );
  } finally {
    await gate.end(); // the lock belongs to the connection: a crash releases it too
  }
}

async function run(source: DataSource): Promise<string[]> {
  await source.initialize();
  try {
    return (await source.runMigrations({ transaction: 'all' })).map((migration) => migration.name);
  } finally {
    await source.destroy();
  }
}

export const EVENT_LOG_MIGRATIONS = [
  EventLog1760000000000,
  LogOwners1760000000001,
  SnapshotParts1763700000000,
  NoLookUp1763800000000,
  FewerIndexes1764000000000,
  Erasure1764000001000,
  Imports1764000002000,
  LedgerSnapshots1764100000000,
  OpenedFor1764200000000,
  FoundByBody1764300000000,
  AccessKeys1764500000000,
  McpPins1764600000000,
  PersonNames1764610000000,
  KeyRecords1764610000001,
  ClientKeys1764620000000,
  Sessions1764630000000,
  McpServers1764630000001,
  Webhooks1764640000000,
  WebhookCallbacks1764640000001,
  WebhookCallbackEnds1764640000002,
  SsfStreams1764650000000,
];

export const migrateEventLog = (url: string): Promise<string[]> =>
  migrate(url, 'eventlog_migration', EVENT_LOG_MIGRATIONS);

/** Runs the `migrate` program of a service: reports the migrations, or exits with 1 if they fail. */
export function migrateAndReport(done: Promise<string[]>): void {
  done.then(
    (names) => console.log(names.length > 0 ? `migrated: ${names.join(', ')}` : 'schema is up to date'),
    (error: unknown) => {
      console.error('the migration failed', error);
      process.exit(1);
    },
  );
}
