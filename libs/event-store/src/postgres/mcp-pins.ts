import type { McpDefinitions, McpPin } from '@bailiwick/contracts/mcp/mcp-pin';
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

/** The approved definitions of upstream MCP servers in PostgreSQL. */
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
