import { Client, type Submittable } from 'pg';
import { query } from './eventlog-database';

const TABLES = ['log_owner', 'log', 'event', 'snapshot', 'snapshot_part'] as const;
type Dump = Record<(typeof TABLES)[number], Buffer>;

/** Returns every row of the event log as PostgreSQL COPY text, the format that pg_dump writes. */
export async function dump(url: string): Promise<Dump> {
  const parts = await Promise.all(TABLES.map(async (table) => [table, await copy(url, `COPY ${table} TO STDOUT`)]));
  return Object.fromEntries(parts) as Dump;
}

/** Loads a dump into an empty, migrated database. */
export async function restore(url: string, rows: Dump): Promise<void> {
  for (const table of TABLES) await copy(url, `COPY ${table} FROM STDIN`, rows[table]);
  await query(url, 'ANALYZE');
}

async function copy(url: string, sql: string, input?: Buffer): Promise<Buffer> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await new Promise<Buffer>((resolve, reject) => client.query(new Copy(sql, input, resolve, reject)));
  } finally {
    await client.end();
  }
}

interface Wire {
  query(sql: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** The subset of the COPY sub-protocol used here. @see https://www.postgresql.org/docs/current/protocol-flow.html */
class Copy implements Submittable {
  private readonly chunks: Buffer[] = [];
  private failure: Error | undefined;

  constructor(
    private readonly sql: string,
    private readonly input: Buffer | undefined,
    private readonly resolve: (output: Buffer) => void,
    private readonly reject: (error: Error) => void,
  ) {}

  submit(wire: unknown): void {
    (wire as Wire).query(this.sql);
  }
  handleCopyInResponse(wire: Wire): void {
    if (this.input?.length) wire.sendCopyFromChunk(this.input);
    wire.endCopyFrom();
  }
  handleCopyData(message: { chunk: Buffer }): void {
    this.chunks.push(Buffer.from(message.chunk));
  }
  handleCommandComplete(): void {
    // ReadyForQuery follows, also after an error
  }
  handleError(error: Error): void {
    this.failure = error;
    this.reject(error);
  }
  handleReadyForQuery(): void {
    if (!this.failure) this.resolve(Buffer.concat(this.chunks));
  }
}
