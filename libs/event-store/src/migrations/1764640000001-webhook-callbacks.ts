import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The requests for access whose requesters named a registered webhook as their callback. */
export class WebhookCallbacks1764640000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE webhook ADD COLUMN callbacks boolean NOT NULL DEFAULT false');
    await runner.query(`
      CREATE TABLE webhook_callback (
        tenant text NOT NULL, name text NOT NULL, approval text NOT NULL, status_endpoint text NOT NULL,
        state text, events jsonb, position bigint, asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (tenant, name, approval),
        FOREIGN KEY (tenant, name) REFERENCES webhook ON DELETE CASCADE)`);
    await runner.query('REVOKE ALL ON webhook_callback FROM PUBLIC');
    await runner.query('GRANT SELECT, INSERT, DELETE ON webhook_callback TO bailiwick_delegation');
    await runner.query('GRANT UPDATE (status_endpoint, state, events) ON webhook_callback TO bailiwick_delegation');
    await runner.query('GRANT SELECT, UPDATE (position) ON webhook_callback TO bailiwick_ledger');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE webhook_callback');
    await runner.query('ALTER TABLE webhook DROP COLUMN callbacks');
  }
}
