import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The webhooks that administrators registered, how far each has come in each log, and what was not delivered. Signing
 * secrets are encrypted for the ledger. The delegation service, which stores webhooks, cannot move a cursor; the ledger,
 * which sends, cannot change where to or what.
 */
export class Webhooks1764640000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE SEQUENCE webhook_version_seq');
    await runner.query(`
      CREATE TABLE webhook (
        tenant text NOT NULL, name text NOT NULL, url text NOT NULL, types jsonb, secrets jsonb NOT NULL,
        registered_at timestamptz NOT NULL DEFAULT clock_timestamp(), disabled_at timestamptz, disabled_for text,
        version bigint NOT NULL DEFAULT nextval('webhook_version_seq'),
        PRIMARY KEY (tenant, name))`);
    await runner.query(`
      CREATE TABLE webhook_cursor (
        tenant text NOT NULL, name text NOT NULL, log text NOT NULL, position bigint NOT NULL,
        attempts int NOT NULL DEFAULT 0, next_at timestamptz, error text, failing_since timestamptz,
        delivered_at timestamptz, delivered bigint NOT NULL DEFAULT 0, failed bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (tenant, name, log),
        FOREIGN KEY (tenant, name) REFERENCES webhook ON DELETE CASCADE)`);
    await runner.query(`
      CREATE TABLE webhook_dead (
        tenant text NOT NULL, name text NOT NULL, log text NOT NULL, position bigint NOT NULL, type text NOT NULL,
        attempts int NOT NULL, error text NOT NULL, buried_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (tenant, name, log, position),
        FOREIGN KEY (tenant, name) REFERENCES webhook ON DELETE CASCADE)`);
    await runner.query('REVOKE ALL ON webhook, webhook_cursor, webhook_dead FROM PUBLIC');
    await runner.query(`
      GRANT USAGE ON SEQUENCE webhook_version_seq TO bailiwick_delegation, bailiwick_ledger`);
    await runner.query('GRANT SELECT, INSERT, UPDATE, DELETE ON webhook TO bailiwick_delegation');
    await runner.query('GRANT SELECT, INSERT ON webhook_cursor TO bailiwick_delegation');
    await runner.query(
      'GRANT UPDATE (attempts, next_at, error, failing_since) ON webhook_cursor TO bailiwick_delegation',
    );
    await runner.query('GRANT SELECT ON webhook_dead TO bailiwick_delegation');
    await runner.query('GRANT SELECT, UPDATE (disabled_at, disabled_for, version) ON webhook TO bailiwick_ledger');
    await runner.query('GRANT SELECT, INSERT, UPDATE ON webhook_cursor TO bailiwick_ledger');
    await runner.query('GRANT SELECT, INSERT, DELETE ON webhook_dead TO bailiwick_ledger');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE webhook_dead, webhook_cursor, webhook');
    await runner.query('DROP SEQUENCE webhook_version_seq');
  }
}
