import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Events of a tenant that is being imported: beside the log until all of them are there and right. */
export class Imports1764000002000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'CREATE TABLE import_begun (tenant text PRIMARY KEY, header text NOT NULL, done boolean NOT NULL DEFAULT false)',
    );
    // unlogged: a database that crashes loses what is staged, and it is sent again
    await runner.query(`
      CREATE UNLOGGED TABLE import_event (
        log text NOT NULL, position bigint NOT NULL, type text NOT NULL, time timestamptz NOT NULL,
        body json NOT NULL, payload json, PRIMARY KEY (log, position))`);
    await runner.query('REVOKE ALL ON import_begun, import_event FROM PUBLIC');
    await runner.query('GRANT SELECT, INSERT, UPDATE ON import_begun TO bailiwick_delegation');
    await runner.query('GRANT SELECT, INSERT, DELETE ON import_event TO bailiwick_delegation');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE import_event, import_begun');
  }
}
