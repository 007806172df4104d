import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Stores snapshots in parts, since one value cannot hold a million grants. Existing snapshots are dropped: they contain
 * no facts of their log, and the next start folds the log and takes new ones.
 */
export class SnapshotParts1763700000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('DELETE FROM snapshot');
    await runner.query('ALTER TABLE snapshot DROP COLUMN state');
    await runner.query(`
      CREATE TABLE snapshot_part (log text NOT NULL, position bigint NOT NULL, fold_version int NOT NULL, part int NOT NULL, state text NOT NULL,
        PRIMARY KEY (log, fold_version, position, part),
        FOREIGN KEY (log, fold_version, position) REFERENCES snapshot (log, fold_version, position) ON DELETE CASCADE)`);
    // read whole and seldom: compression would take longer than the disk
    await runner.query('ALTER TABLE snapshot_part ALTER COLUMN state SET STORAGE EXTERNAL');
    await runner.query('REVOKE ALL ON snapshot_part FROM PUBLIC');
    await runner.query('GRANT SELECT, INSERT ON snapshot_part TO bailiwick_delegation');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE snapshot_part');
    await runner.query('DELETE FROM snapshot');
    await runner.query('ALTER TABLE snapshot ADD COLUMN state text NOT NULL');
  }
}
