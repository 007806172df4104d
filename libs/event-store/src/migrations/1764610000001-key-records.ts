import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The changes of keys that are to be recorded in the logs. A row is written with its change, and deleted after its event. */
export class KeyRecords1764610000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'CREATE TABLE key_record (command_id text PRIMARY KEY, log text NOT NULL, command json NOT NULL)',
    );
    await runner.query('REVOKE ALL ON key_record FROM PUBLIC');
    await runner.query('GRANT SELECT, INSERT, DELETE ON key_record TO bailiwick_delegation');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE key_record');
  }
}
