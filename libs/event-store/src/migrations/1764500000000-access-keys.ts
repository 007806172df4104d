import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * API keys. Only digests of their secrets are stored. Each change takes the next version, under a lock on the one row of
 * `access_key_version`, so that a reader that has seen a version has seen every earlier one.
 */
export class AccessKeys1764500000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE access_key (
        id text PRIMARY KEY, tenant text NOT NULL, name text NOT NULL, role text,
        person text, groups text[], created_at timestamptz NOT NULL DEFAULT clock_timestamp(), created_by text,
        expires_at timestamptz, rotated_at timestamptz, revoked_at timestamptz, last_used_at timestamptz,
        version bigint NOT NULL)`);
    await runner.query('CREATE UNIQUE INDEX access_key_name ON access_key (tenant, name) WHERE revoked_at IS NULL');
    await runner.query('CREATE INDEX access_key_version_index ON access_key (version)');
    await runner.query(`
      CREATE TABLE access_key_secret (
        digest text PRIMARY KEY, key text NOT NULL REFERENCES access_key ON DELETE CASCADE, until timestamptz)`);
    await runner.query('CREATE INDEX access_key_secret_key ON access_key_secret (key)');
    await runner.query(
      'CREATE TABLE access_key_version (one boolean PRIMARY KEY DEFAULT true CHECK (one), n bigint NOT NULL)',
    );
    await runner.query('INSERT INTO access_key_version (n) VALUES (0)');
    await runner.query('REVOKE ALL ON access_key, access_key_secret, access_key_version FROM PUBLIC');
    await runner.query('GRANT SELECT, INSERT, DELETE ON access_key, access_key_secret TO bailiwick_delegation');
    await runner.query(
      'GRANT UPDATE (person, rotated_at, revoked_at, last_used_at, version) ON access_key TO bailiwick_delegation',
    );
    await runner.query('GRANT UPDATE (until) ON access_key_secret TO bailiwick_delegation');
    await runner.query('GRANT SELECT, UPDATE ON access_key_version TO bailiwick_delegation');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE access_key_secret, access_key, access_key_version');
  }
}
