import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Lets the ledger start from a snapshot, as an owner does: from position 0 it would be unavailable for minutes. */
export class LedgerSnapshots1764100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('GRANT SELECT ON snapshot, snapshot_part TO bailiwick_ledger');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('REVOKE SELECT ON snapshot, snapshot_part FROM bailiwick_ledger');
  }
}
