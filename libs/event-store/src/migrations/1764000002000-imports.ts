import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Stores the events of an import in progress, outside the log until all of them have arrived and are valid. */
export class Imports1764000002000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'CREATE TABLE import_begun (tenant text PRIMARY KEY, header text NOT NULL, done boolean NOT NULL DEFAULT false)',
    );
    // unlogged: if the database crashes, the staged events are lost and sent again
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
