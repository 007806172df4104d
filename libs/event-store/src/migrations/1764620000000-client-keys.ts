import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Public keys of OAuth clients that sign assertions in place of a secret (RFC 7523). */
export class ClientKeys1764620000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE access_key ADD COLUMN jwks jsonb');
    await runner.query('GRANT UPDATE (jwks) ON access_key TO bailiwick_delegation');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE access_key DROP COLUMN jwks');
  }
}
