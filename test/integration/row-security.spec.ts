import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Client } from 'pg';
import type { ActionClaims } from '@bailiwick/client/action-tokens';
import { withClaims } from '@bailiwick/client/row-security';
import { testDatabase } from '../support/servers';

/** The statements of the guide for tool owners. */
const GUIDE = readFileSync(resolve(__dirname, '..', '..', 'docs', 'tool-owners.md'), 'utf8');
const SQL = /```sql\n([\s\S]*?)```/.exec(GUIDE)?.[1] ?? '';

const claims = (verb: string, id: string, more: Partial<ActionClaims> = {}): ActionClaims =>
  ({
    tenant: 'default',
    sub: 'user:ada@example.com',
    action: { verb },
    resource: { type: 'invoice', id },
    ...more,
  }) as ActionClaims;

describe('row level security by the claims of an action token', () => {
  let database: Awaited<ReturnType<typeof testDatabase>>;
  let owner: Client;
  let tool: Client;
  const role = `tool_${process.pid}`;
  beforeAll(async () => {
    database = await testDatabase();
    owner = await connected(database.url);
    await owner.query(SQL.replaceAll('shop_tool', role));
    await owner.query(
      "INSERT INTO invoice VALUES ('default', '1', 4900, 'open'), ('default', '2', 700, 'open'), ('other', '3', 1, 'open')",
    );
    await owner.query(`GRANT ${role} TO CURRENT_USER`);
    tool = await connected(database.url);
    await tool.query(`SET SESSION AUTHORIZATION ${role}`);
  }, 120_000);
  afterAll(async () => {
    await tool.end();
    await owner.query(`DROP OWNED BY ${role}`);
    await owner.query(`DROP ROLE ${role}`);
    await owner.end();
    await database.drop();
  });

  async function connected(url: string): Promise<Client> {
    const client = new Client({ connectionString: url });
    await client.connect();
    return client;
  }
  const idsFor = (of: ActionClaims): Promise<unknown[]> =>
    withClaims(tool, of, async () =>
      (await tool.query('SELECT id FROM invoice')).rows.map((row: { id: string }) => row.id),
    );
  const pay = (of: ActionClaims, id: string): Promise<number | null> =>
    withClaims(
      tool,
      of,
      async () => (await tool.query("UPDATE invoice SET state = 'paid' WHERE id = $1", [id])).rowCount,
    );

  it('shows the row that the call is about, and no other', async () => {
    expect(await idsFor(claims('invoice.read', '1'))).toEqual(['1']);
    expect(await idsFor(claims('invoice.read', '3'))).toEqual([]); // of another tenant
    expect(await idsFor(claims('invoice.delete', '1'))).toEqual([]); // an action that reads nothing here
  });

  it('lets only the permitted action change the row', async () => {
    expect(await pay(claims('invoice.read', '1'), '1')).toBe(0);
    expect(await pay(claims('invoice.pay', '2'), '1')).toBe(0);
    expect(await pay(claims('invoice.pay', '1'), '1')).toBe(1);
  });

  it('lets no change move a row out of the call', async () => {
    const steal = withClaims(tool, claims('invoice.pay', '2'), () => tool.query("UPDATE invoice SET tenant = 'other'"));
    await expect(steal).rejects.toThrow('row-level security');
  });

  it('shows nothing outside the transaction of a call, and nothing after one', async () => {
    await idsFor(claims('invoice.read', '1'));
    expect((await tool.query('SELECT id FROM invoice')).rows).toEqual([]);
    await expect(withClaims(tool, claims('invoice.read', '1'), () => Promise.reject(new Error('no')))).rejects.toThrow(
      'no',
    );
    expect((await tool.query('SELECT id FROM invoice')).rows).toEqual([]);
  });
});
