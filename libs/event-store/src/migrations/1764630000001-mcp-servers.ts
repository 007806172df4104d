import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The upstream MCP servers that administrators registered. Their secrets are references, or encrypted for the boundary. */
export class McpServers1764630000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE mcp_server (
        tenant text NOT NULL, server text NOT NULL, config jsonb NOT NULL,
        registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (tenant, server))`);
    await runner.query('REVOKE ALL ON mcp_server FROM PUBLIC');
    await runner.query('GRANT SELECT, INSERT, UPDATE, DELETE ON mcp_server TO bailiwick_delegation');
    // a server that is registered again after its removal is in quarantine again
    await runner.query('GRANT DELETE ON mcp_pin TO bailiwick_delegation');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('REVOKE DELETE ON mcp_pin FROM bailiwick_delegation');
    await runner.query('DROP TABLE mcp_server');
  }
}
