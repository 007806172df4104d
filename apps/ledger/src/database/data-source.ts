import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { databaseWaits } from '@bailiwick/event-store/postgres/waits';
import { ConsequenceRow } from '../read-models/entities/consequence';
import { FollowerRow } from '../read-models/entities/follower';
import { ItemRow } from '../read-models/entities/item';
import { PieceRow } from '../read-models/entities/piece';
import { RebuildRow } from '../read-models/entities/rebuild';
import { CheckpointRow } from '../transparency/entities/checkpoint';
import { CosignatureRow } from '../transparency/entities/cosignature';
import { SigningKeyRow } from '../transparency/entities/signing-key';
import { WitnessedRow } from '../transparency/entities/witnessed';

/** The rows of every table and view in the schema `ledger`. */
export const ENTITIES = [
  CheckpointRow,
  ConsequenceRow,
  CosignatureRow,
  FollowerRow,
  ItemRow,
  PieceRow,
  RebuildRow,
  SigningKeyRow,
  WitnessedRow,
];

/**
 * Connects to the database of the ledger. Migrations alone change its schema.
 * @throws Error at once if the database does not accept a connection
 */
export function openDataSource(url: string): Promise<DataSource> {
  return new DataSource({
    type: 'postgres',
    url,
    entities: ENTITIES,
    synchronize: false,
    applicationName: 'bailiwick-ledger',
    extra: { max: 6, ...databaseWaits() },
  }).initialize();
}
