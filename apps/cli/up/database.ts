import { Client } from 'pg';
import { SERVICES, type Secrets, type ServiceName } from './secrets';

export const DATABASE = 'bailiwick';

/** One database, one role per service, each with the password of this installation. Safe to run at every start. */
export async function prepareDatabase(adminUrl: string, secrets: Secrets): Promise<{ ownerUrl: string; urls: Record<ServiceName, string> }> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
    for (const service of SERVICES) {
      const role = `bailiwick_${service}`;
      const known = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
      const password = client.escapeLiteral(secrets.database[service]);
      await client.query(`${known.rowCount === 0 ? 'CREATE' : 'ALTER'} ROLE ${role} LOGIN PASSWORD ${password}`);
    }
  } finally {
    await client.end();
  }
  const ownerUrl = new URL(adminUrl);
  ownerUrl.pathname = `/${DATABASE}`;
  const urls = Object.fromEntries(
    SERVICES.map((service) => {
      const url = new URL(ownerUrl);
      url.username = `bailiwick_${service}`;
      url.password = secrets.database[service];
      return [service, url.toString()];
    }),
  ) as Record<ServiceName, string>;
  return { ownerUrl: ownerUrl.toString(), urls };
}
