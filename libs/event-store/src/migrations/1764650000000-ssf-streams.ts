import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The streams of security events of receivers, and how far each has come; their content derives from the log. */
export class SsfStreams1764650000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE ssf_stream (
        tenant text NOT NULL, id text NOT NULL, receiver text NOT NULL, settings jsonb NOT NULL,
        status text NOT NULL DEFAULT 'enabled', reason text, cursors jsonb NOT NULL, verification jsonb,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(), version int NOT NULL DEFAULT 0,
        PRIMARY KEY (tenant, id))`);
    await runner.query('REVOKE ALL ON ssf_stream FROM PUBLIC');
    await runner.query('GRANT SELECT, INSERT, UPDATE, DELETE ON ssf_stream TO bailiwick_delegation');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE ssf_stream');
  }
}
