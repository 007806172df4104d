import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import type { Stack } from '../support/stack';

export const LOG = 'default/0';

/** One event as stored in the database. */
export interface Logged {
  readonly body: string;
  readonly event: Event;
}

/** Returns the URL of the database for its administrator, which bypasses every service. */
export function databaseUrl(stack: Stack): string {
  const password = readFileSync(join(stack.dataDir, 'postgres-password'), 'utf8').trim();
  const url = new URL(stack.status().postgres.url);
  url.username = 'postgres';
  url.password = password;
  url.pathname = '/bailiwick';
  return url.toString();
}

export async function sql<Row extends object>(url: string, text: string, values: unknown[] = []): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** Reads the whole log by SQL, without the event store under test. */
export async function readLog(stack: Stack): Promise<Logged[]> {
  const rows = await sql<{ position: string; body: string }>(
    databaseUrl(stack),
    'SELECT position, body::text AS body FROM event WHERE log = $1 ORDER BY position',
    [LOG],
  );
  return rows.map(({ body }) => ({ body, event: JSON.parse(body) as Event }));
}

/** Counts permits without an outcome and expired leases without an end. */
export async function unfinished(stack: Stack): Promise<number> {
  const [row] = await sql<{ count: string }>(
    databaseUrl(stack),
    `SELECT (SELECT count(*) FROM event p WHERE p.log = $1 AND p.type = 'ActionPermitted' AND NOT EXISTS (
        SELECT FROM event o WHERE o.action_id = p.action_id AND o.type IN ('ActionCompleted', 'ActionFailed', 'ActionAbandoned')))
      + (SELECT count(*) FROM event g WHERE g.log = $1 AND g.type = 'GrantIssued'
          AND (g.body->'data'->'limits'->'time'->>'expiresAt')::timestamptz < now() AND NOT EXISTS (
        SELECT FROM event e WHERE e.log = $1 AND (e.grant_id = g.grant_id OR e.run_id = g.run_id)
          AND e.type IN ('GrantExpired', 'GrantRevoked', 'GrantExhausted', 'RunCompleted'))) AS count`,
    [LOG],
  );
  return Number(row?.count);
}

export const isType = <T extends Event['type']>(event: Event, ...types: T[]): event is EventOf<T> =>
  (types as string[]).includes(event.type);

/** Reads every row of the ledger's tables as text, except the signed heads, which contain their time of creation. */
export async function readModels(stack: Stack): Promise<Map<string, string[]>> {
  const url = databaseUrl(stack);
  const tables = await ledgerTables(url);
  const rows = await Promise.all(
    tables.map((table) => sql<{ row: string }>(url, `SELECT row_to_json(t)::text AS row FROM ${table} t ORDER BY 1`)),
  );
  return new Map(tables.map((table, i) => [table, rows[i]!.map(({ row }) => row)]));
}

export async function ledgerTables(url: string): Promise<string[]> {
  const rows = await sql<{ name: string }>(
    url,
    "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'ledger' AND tablename NOT IN ('checkpoint', 'signing_key', 'migrations') ORDER BY 1",
  );
  return rows.map(({ name }) => name);
}

export const sha256 = (...parts: (Buffer | string)[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
