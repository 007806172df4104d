import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Creates the service's only table: the position from which to fold each log to know all of its live trees. */
export class Intent1760000200000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE intent.progress (log text PRIMARY KEY, since bigint NOT NULL)');
    await runner.query('GRANT SELECT, INSERT, UPDATE ON intent.progress TO bailiwick_intent');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE intent.progress');
  }
}
