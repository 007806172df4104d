import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What was opened for a person is found in the log, where it stays: an owner forgets what ended long ago, and an erasure
 * must not. Of no other events: a permit pays nothing for it.
 */
export class OpenedFor1764200000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // a body is kept whatever it is, also one with an escape that the database cannot read as text: that names nobody
    await runner.query(`
      CREATE FUNCTION opened_for(body json) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
      BEGIN RETURN body->'data'->>'principalRef'; EXCEPTION WHEN data_exception THEN RETURN NULL; END $$`);
    await runner.query(
      "CREATE INDEX event_opened_for ON event (log, opened_for(body), position) WHERE type = 'RunOpened'",
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX event_opened_for; DROP FUNCTION opened_for');
  }
}
