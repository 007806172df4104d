import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The names of the people that events name by refs. An erasure empties the name and keeps the row, so that no later act of
 * the person records it again. Only the delegation service writes; the ledger reads names for receipts.
 */
export class PersonNames1764610000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE person_name (
        tenant text NOT NULL, ref text NOT NULL, name text, erased_at timestamptz,
        PRIMARY KEY (tenant, ref), CHECK ((name IS NULL) = (erased_at IS NOT NULL)))`);
    await runner.query('REVOKE ALL ON person_name FROM PUBLIC');
    await runner.query('GRANT SELECT, INSERT ON person_name TO bailiwick_delegation');
    await runner.query('GRANT UPDATE (name, erased_at) ON person_name TO bailiwick_delegation');
    await runner.query('GRANT SELECT ON person_name TO bailiwick_ledger');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE person_name');
  }
}
