import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Finds in the log the runs that were opened for a person: the state forgets what ended long ago, and an erasure must
 * not. Only `RunOpened` events are indexed, so a permit pays nothing for it.
 */
export class OpenedFor1764200000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // any body is stored, also one with an escape that the database cannot convert to text; such a body names no person
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
