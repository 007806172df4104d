import type { MigrationInterface, QueryRunner } from 'typeorm';

const ROLES = ['bailiwick_delegation', 'bailiwick_ledger', 'bailiwick_intent', 'bailiwick_gateway'] as const;

/** Creates logs, their events and snapshots of the fold. Each service's role gets only the rights that it needs. */
export class EventLog1760000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const role of ROLES) {
      // roles are shared by the server: the migration of another database may be creating the same one concurrently
      await runner.query(
        `DO $$ BEGIN CREATE ROLE ${role} NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`,
      );
    }
    await runner.query(`
      CREATE TABLE log (
        name text PRIMARY KEY,
        tenant text NOT NULL CHECK (tenant = split_part(name, '/', 1)),
        created timestamptz NOT NULL DEFAULT now(),
        lease_owner text,
        lease_epoch bigint NOT NULL DEFAULT 0,
        lease_until timestamptz)`);
    // body is json, not jsonb: it keeps the exact bytes, which are hashed (I12)
    await runner.query(`
      CREATE TABLE event (
        log text NOT NULL REFERENCES log,
        position bigint NOT NULL CHECK (position >= 0),
        type text NOT NULL,
        time timestamptz NOT NULL,
        body json NOT NULL,
        payload json,
        tenant text NOT NULL CHECK (tenant = split_part(log, '/', 1)),
        tree_id text, run_id text, grant_id text, action_id text,
        command_id text NOT NULL,
        PRIMARY KEY (log, position))`);
    for (const column of ['tree_id', 'run_id', 'grant_id', 'action_id']) {
      await runner.query(`CREATE INDEX event_${column} ON event (${column}, position) WHERE ${column} IS NOT NULL`);
    }
    await runner.query(`
      CREATE TABLE snapshot (log text NOT NULL REFERENCES log, position bigint NOT NULL, fold_version int NOT NULL, state text NOT NULL,
        PRIMARY KEY (log, fold_version, position))`);
    await runner.query(`
      CREATE FUNCTION event_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'an event is never changed or removed'; END $$`);
    await runner.query(
      'CREATE TRIGGER event_final BEFORE UPDATE OR DELETE ON event FOR EACH ROW EXECUTE FUNCTION event_is_final()',
    );
    await runner.query(
      'CREATE TRIGGER event_kept BEFORE TRUNCATE ON event FOR EACH STATEMENT EXECUTE FUNCTION event_is_final()',
    );
    await this.grants(runner);
  }

  private async grants(runner: QueryRunner): Promise<void> {
    await runner.query('REVOKE ALL ON log, event, snapshot FROM PUBLIC');
    await runner.query('GRANT SELECT, INSERT ON log TO bailiwick_delegation');
    // only the lease of a log ever changes; its name and tenant are permanent (I9)
    await runner.query('GRANT UPDATE (lease_owner, lease_epoch, lease_until) ON log TO bailiwick_delegation');
    await runner.query('GRANT SELECT, INSERT ON event TO bailiwick_delegation');
    await runner.query('GRANT SELECT, INSERT, DELETE ON snapshot TO bailiwick_delegation');
    await runner.query('GRANT SELECT ON log, event TO bailiwick_ledger, bailiwick_intent');
    for (const service of ['ledger', 'intent']) {
      await runner.query(`CREATE SCHEMA ${service}`);
      await runner.query(`GRANT USAGE, CREATE ON SCHEMA ${service} TO bailiwick_${service}`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'DROP SCHEMA ledger CASCADE; DROP SCHEMA intent CASCADE; DROP TABLE snapshot, event, log; DROP FUNCTION event_is_final',
    );
  }
}
