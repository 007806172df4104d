import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Sessions of browsers, and the one-time links with which they start. Only digests of their secrets are stored. */
export class Sessions1764630000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE browser_session (
        digest text PRIMARY KEY, tenant text NOT NULL, holder json NOT NULL, person_ref text,
        used_at timestamptz NOT NULL DEFAULT clock_timestamp(), expires_at timestamptz NOT NULL)`);
    await runner.query('CREATE INDEX browser_session_tenant ON browser_session (tenant, expires_at)');
    await runner.query(`
      CREATE TABLE session_link (
        digest text PRIMARY KEY, tenant text NOT NULL, holder json NOT NULL, expires_at timestamptz NOT NULL)`);
    await runner.query('REVOKE ALL ON browser_session, session_link FROM PUBLIC');
    await runner.query('GRANT SELECT, INSERT, DELETE ON browser_session, session_link TO bailiwick_delegation');
    await runner.query('GRANT UPDATE (used_at) ON browser_session TO bailiwick_delegation');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE browser_session, session_link');
  }
}
