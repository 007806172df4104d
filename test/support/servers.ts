import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { findNatsServer, startNats } from '@bailiwick/platform/local-servers/nats';
import { removeData, startPostgres } from '@bailiwick/platform/local-servers/postgres';

/** Creates a database for one test, on the server of `npm test`, or on a new server if jest runs without it. */
export async function testDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const server = process.env.BAILIWICK_TEST_DATABASE_URL
    ? { url: process.env.BAILIWICK_TEST_DATABASE_URL, stop: () => Promise.resolve() }
    : await ownPostgres();
  const name = `test_${randomBytes(6).toString('hex')}`;
  await admin(server.url, `CREATE DATABASE ${name}`);
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  return {
    url: url.toString(),
    async drop() {
      await admin(server.url, `DROP DATABASE ${name} WITH (FORCE)`);
      await server.stop();
    },
  };
}

/** Starts a nats-server for one test, which the test may stop, empty and start again. */
export async function testNats(): Promise<{ url: string; user: string; pass: string; stop(): Promise<void> }> {
  const dir = scratch();
  const binary =
    process.env.BAILIWICK_TEST_NATS_SERVER ?? findNatsServer(join(dir, 'cache'), process.env.BAILIWICK_NATS_SERVER);
  const server = await startNats({ binary, dataDir: dir, users: { operator: 'operator' } });
  return {
    url: server.url,
    user: 'operator',
    pass: 'operator',
    async stop() {
      await server.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function ownPostgres(): Promise<{ url: string; stop(): Promise<void> }> {
  const dir = scratch();
  const server = await startPostgres({ dataDir: dir, durable: false });
  return {
    url: server.url,
    async stop() {
      await server.stop();
      removeData(dir);
    },
  };
}

async function admin(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

export function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), 'bailiwick-'));
  chmodSync(dir, 0o755);
  return dir;
}
