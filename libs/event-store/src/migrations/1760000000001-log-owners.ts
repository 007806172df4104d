import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Adds the live owners of logs. A lease lasts as long as its owner is alive, so one row covers all logs of an owner.
 */
export class LogOwners1760000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE log_owner (
        name text PRIMARY KEY,
        until timestamptz NOT NULL,
        takes boolean NOT NULL)`);
    await runner.query('REVOKE ALL ON log_owner FROM PUBLIC');
    await runner.query('GRANT SELECT, INSERT, UPDATE, DELETE ON log_owner TO bailiwick_delegation');
    await runner.query('ALTER TABLE log DROP COLUMN lease_until');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE log ADD COLUMN lease_until timestamptz');
    await runner.query('GRANT UPDATE (lease_until) ON log TO bailiwick_delegation');
    await runner.query('DROP TABLE log_owner');
  }
}
