import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Makes payloads erasable, and nothing else of an event. Only one function erases them: it checks the recorded erasure,
 * and runs as a role without login that has no other rights.
 */
export class Erasure1764000001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `DO $$ BEGIN CREATE ROLE bailiwick_eraser NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`,
    );
    await runner.query('GRANT SELECT, UPDATE (payload) ON event TO bailiwick_eraser');
    // compared as a whole row, so that columns added later are protected as well
    await runner.query(`
      CREATE OR REPLACE FUNCTION event_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF TG_OP = 'UPDATE' AND current_user = 'bailiwick_eraser' AND NEW.payload IS NULL
          AND NEW.body::text = OLD.body::text AND to_jsonb(NEW) - 'payload' = to_jsonb(OLD) - 'payload'
        THEN RETURN NEW; END IF;
        RAISE EXCEPTION 'an event is never changed or removed';
      END $$`);
    await runner.query(`
      CREATE FUNCTION erase_payloads(of_log text, erasure bigint, positions bigint[]) RETURNS int
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
      DECLARE reach bigint; erased int;
      BEGIN
        SELECT least(position, (body->'data'->>'before')::bigint) INTO reach
          FROM event WHERE log = of_log AND position = erasure AND type = 'PayloadsErased';
        IF reach IS NULL THEN RAISE EXCEPTION 'no erasure is recorded at position % of %', erasure, of_log; END IF;
        UPDATE event SET payload = NULL
          WHERE log = of_log AND position = ANY(positions) AND position < reach AND payload IS NOT NULL;
        GET DIAGNOSTICS erased = ROW_COUNT;
        RETURN erased;
      END $$`);
    await runner.query('REVOKE ALL ON FUNCTION erase_payloads FROM PUBLIC');
    await runner.query('GRANT EXECUTE ON FUNCTION erase_payloads TO bailiwick_delegation');
    // The migrating role need not be a superuser: transferring a function requires membership in the new owner, which
    // must have the right to create.
    await runner.query('GRANT bailiwick_eraser TO CURRENT_USER');
    await runner.query('GRANT CREATE ON SCHEMA public TO bailiwick_eraser');
    await runner.query('ALTER FUNCTION erase_payloads OWNER TO bailiwick_eraser');
    await runner.query('REVOKE CREATE ON SCHEMA public FROM bailiwick_eraser');
    await runner.query('REVOKE bailiwick_eraser FROM CURRENT_USER');

    await runner.query("CREATE INDEX event_erasure ON event (log, position) WHERE type = 'PayloadsErased'");
    await runner.query(
      'CREATE TABLE erasure_done (log text NOT NULL, position bigint NOT NULL, PRIMARY KEY (log, position))',
    );
    await runner.query('REVOKE ALL ON erasure_done FROM PUBLIC');
    await runner.query('GRANT SELECT, INSERT ON erasure_done TO bailiwick_delegation');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE erasure_done; DROP INDEX event_erasure; DROP FUNCTION erase_payloads');
    await runner.query(`
      CREATE OR REPLACE FUNCTION event_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'an event is never changed or removed'; END $$`);
    await runner.query('REVOKE ALL ON event FROM bailiwick_eraser');
  }
}
