import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The log of the event that ended a request for access, and what became of the request by it. */
export class WebhookCallbackEnds1764640000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE webhook_callback ADD COLUMN ended_log text, ADD COLUMN ended_as text');
    await runner.query('GRANT UPDATE (ended_log, ended_as) ON webhook_callback TO bailiwick_ledger');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE webhook_callback DROP COLUMN ended_log, DROP COLUMN ended_as');
  }
}
