import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Looking every event's log up again was a fifth of an insert's cost, and told nothing: an append names the event
 * before its first, and a first event asks for its log (`APPEND` in postgres.ts). That no log goes away under its events
 * is a trigger's to see to now.
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
