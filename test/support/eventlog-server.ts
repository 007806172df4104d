import { removeData, startPostgres } from '@bailiwick/platform/local-servers/postgres';
import { query } from './eventlog-database';
import { scratch } from './servers';

/** Starts a new PostgreSQL without any of Bailiwick's roles and databases. */
export async function freshServer(): Promise<{ database(name: string): Promise<string>; stop(): Promise<void> }> {
  const dir = scratch();
  const server = await startPostgres({ dataDir: dir, durable: false });
  return {
    async database(name) {
      await query(server.url, `CREATE DATABASE ${name} TEMPLATE template0`);
      const url = new URL(server.url);
      url.pathname = `/${name}`;
      return url.toString();
    },
    async stop() {
      await server.stop();
      removeData(dir);
    },
  };
}
