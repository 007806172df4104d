import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Drops the foreign key from events to logs: it cost a fifth of an insert and proved nothing, since an append names the
 * event before its first, and a first event checks its log (`APPEND` in postgres/event-log.ts). Triggers now prevent
 * the removal of a log.
 */
export class NoLookUp1763800000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE event DROP CONSTRAINT event_log_fkey');
    await runner.query(`
      CREATE FUNCTION log_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'a log is never removed'; END $$`);
    for (const [name, when] of [
      ['log_final', 'DELETE ON log FOR EACH ROW'],
      ['log_kept', 'TRUNCATE ON log FOR EACH STATEMENT'],
    ])
      await runner.query(`CREATE TRIGGER ${name} BEFORE ${when} EXECUTE FUNCTION log_is_kept()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION log_is_kept CASCADE');
    await runner.query('ALTER TABLE event ADD CONSTRAINT event_log_fkey FOREIGN KEY (log) REFERENCES log');
  }
}
