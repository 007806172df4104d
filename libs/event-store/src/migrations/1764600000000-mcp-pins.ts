import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The approved definitions of upstream MCP servers, the newest of each. */
export class McpPins1764600000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE mcp_pin (
        tenant text NOT NULL, server text NOT NULL, digest text NOT NULL, identity text NOT NULL,
        tools jsonb NOT NULL, definitions jsonb NOT NULL,
        approved_at timestamptz NOT NULL DEFAULT clock_timestamp(), approved_by text NOT NULL,
        PRIMARY KEY (tenant, server))`);
    await runner.query('REVOKE ALL ON mcp_pin FROM PUBLIC');
    await runner.query('GRANT SELECT, INSERT, UPDATE ON mcp_pin TO bailiwick_delegation');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE mcp_pin');
  }
}
