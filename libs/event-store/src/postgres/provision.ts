import { Client } from 'pg';
import { databaseWaits } from './waits';

const DATABASE = 'bailiwick';

/**
 * Creates one database and one role per service (`bailiwick_<service>`), each with a separate password. Safe to run at
 * every start.
 * @param passwords service → password
 * @returns the owner's URL, for migrations, and the URL of each service
 */
export async function provision<S extends string>(
  adminUrl: string,
  passwords: Readonly<Record<S, string>>,
): Promise<{ ownerUrl: string; urls: Record<S, string> }> {
  const services = Object.keys(passwords) as S[];
  const client = new Client({ connectionString: adminUrl, ...databaseWaits() });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
    for (const service of services) {
      const role = `bailiwick_${service}`;
      const known = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
      const password = client.escapeLiteral(passwords[service]);
      await client.query(`${known.rowCount === 0 ? 'CREATE' : 'ALTER'} ROLE ${role} LOGIN PASSWORD ${password}`);
    }
  } finally {
    await client.end();
  }
  const ownerUrl = new URL(adminUrl);
  ownerUrl.pathname = `/${DATABASE}`;
  const urls = Object.fromEntries(
    services.map((service) => {
      const url = new URL(ownerUrl);
      url.username = `bailiwick_${service}`;
      url.password = passwords[service];
      return [service, url.toString()];
    }),
  ) as Record<S, string>;
  return { ownerUrl: ownerUrl.toString(), urls };
}
