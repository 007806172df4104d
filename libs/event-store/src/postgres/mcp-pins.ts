import type { McpDefinitions, McpPin } from '@bailiwick/contracts/mcp/mcp-pin';
import type { StoredMcpServer } from '@bailiwick/contracts/mcp/mcp-server';
import { LIMITS } from '@bailiwick/core/limits';
import { Pool } from 'pg';
import { databaseWaits } from './waits';

const STATEMENT_MS = 5_000;

interface Row {
  readonly digest: string;
  readonly identity: string;
  readonly tools: Record<string, string>;
  readonly definitions: Record<string, string>;
  readonly approved_at: Date;
  readonly approved_by: string;
}

/** The registered upstream MCP servers, and what is approved of them, in PostgreSQL. */
export class PostgresMcpPins {
  private readonly pool: Pool;

  constructor(url: string) {
    this.pool = new Pool({
      connectionString: url,
      max: 1,
      application_name: 'bailiwick-mcp-pins',
      ...databaseWaits(STATEMENT_MS),
    });
    this.pool.on('error', () => undefined); // the next query reports it
  }

  /** Returns what is approved of a server, without the definitions. */
  async find(tenant: string, server: string): Promise<McpPin | undefined> {
    const { rows } = await this.pool.query<Row>(
      'SELECT digest, identity, tools, approved_at, approved_by FROM mcp_pin WHERE tenant = $1 AND server = $2',
      [tenant, server],
    );
    return rows[0] && pinOf(rows[0]);
  }

  /** Returns what is approved of a server, with the definitions. */
  async definitions(tenant: string, server: string): Promise<McpDefinitions> {
    const { rows } = await this.pool.query<Row>('SELECT * FROM mcp_pin WHERE tenant = $1 AND server = $2', [
      tenant,
      server,
    ]);
    return rows[0] ? { pin: pinOf(rows[0]), definitions: rows[0].definitions } : { pin: null, definitions: {} };
  }

  /** Replaces what is approved of a server. */
  async approve(
    tenant: string,
    server: string,
    { digest, identity, tools, approvedBy }: Omit<McpPin, 'approvedAt'>,
    definitions: Readonly<Record<string, string>>,
  ): Promise<McpPin> {
    const { rows } = await this.pool.query<Row>(
      `INSERT INTO mcp_pin (tenant, server, digest, identity, tools, definitions, approved_by)
       VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (tenant, server) DO UPDATE SET digest = excluded.digest, identity = excluded.identity,
         tools = excluded.tools, definitions = excluded.definitions, approved_by = excluded.approved_by,
         approved_at = clock_timestamp()
       RETURNING *`,
      [tenant, server, digest, identity, JSON.stringify(tools), JSON.stringify(definitions), approvedBy],
    );
    return pinOf(rows[0] as Row);
  }

  /** Returns the settings of a registered server. */
  async server(tenant: string, server: string): Promise<StoredMcpServer | undefined> {
    const { rows } = await this.pool.query<{ config: StoredMcpServer }>(
      'SELECT config FROM mcp_server WHERE tenant = $1 AND server = $2',
      [tenant, server],
    );
    return rows[0]?.config;
  }

  /** Returns the registered servers of a tenant, by name, with the upstream of each. */
  async servers(tenant: string): Promise<{ name: string; upstream: StoredMcpServer['upstream'] }[]> {
    const { rows } = await this.pool.query<{ name: string; upstream: StoredMcpServer['upstream'] }>(
      `SELECT server AS name, config -> 'upstream' AS upstream FROM mcp_server WHERE tenant = $1
       ORDER BY server COLLATE "C"`,
      [tenant],
    );
    return rows;
  }

  /**
   * Registers a server, or replaces the one of its name.
   * @returns whether it is new; undefined if the tenant has as many servers as it may
   */
  async register(tenant: string, server: string, config: StoredMcpServer): Promise<boolean | undefined> {
    const { rows } = await this.pool.query<{ fresh: boolean }>(
      `INSERT INTO mcp_server (tenant, server, config)
       SELECT $1, $2, $3 WHERE EXISTS (SELECT FROM mcp_server WHERE tenant = $1 AND server = $2)
         OR (SELECT count(*) FROM mcp_server WHERE tenant = $1) < $4
       ON CONFLICT (tenant, server) DO UPDATE SET config = excluded.config, registered_at = clock_timestamp()
       RETURNING xmax = 0 AS fresh`,
      [tenant, server, JSON.stringify(config), LIMITS.mcp.servers],
    );
    return rows[0]?.fresh;
  }

  /** Removes a server and what was approved of it. @returns whether it was registered */
  async remove(tenant: string, server: string): Promise<boolean> {
    const { rowCount } = await this.pool.query(
      `WITH removed AS (DELETE FROM mcp_server WHERE tenant = $1 AND server = $2 RETURNING server),
            pins AS (DELETE FROM mcp_pin WHERE tenant = $1 AND server IN (SELECT server FROM removed))
       SELECT server FROM removed`,
      [tenant, server],
    );
    return rowCount === 1;
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}

const pinOf = ({ digest, identity, tools, approved_at, approved_by }: Row): McpPin => ({
  digest,
  identity,
  tools,
  approvedAt: approved_at.toISOString(),
  approvedBy: approved_by,
});
