import { Client } from 'pg';
import { migrate, migrateEventLog } from '@bailiwick/event-store/migrations/run';
import { testDatabase } from '../../../../../test/support/servers';
import { migrateSchema as migrateLedger } from '../../migrate';
import { Ledger1760000100000 } from './tables';

it('migrateLedger clears the derived tables of the first release and keeps its signed heads', async () => {
  const database = await testDatabase();
  const sql = new Client({ connectionString: database.url });
  const count = async (table: string): Promise<number> =>
    (await sql.query(`SELECT FROM ledger.${table}`)).rowCount ?? -1;
  try {
    await migrateEventLog(database.url);
    await migrate(database.url, 'ledger_migration', [Ledger1760000100000]);
    await sql.connect();
    await sql.query(`
      INSERT INTO ledger.follower VALUES ('default/0', 1);
      INSERT INTO ledger.node VALUES ('default/0', 0, 0, '\\x00');
      INSERT INTO ledger.checkpoint VALUES ('default/0', 1, '\\x00', 'a signed head');
      INSERT INTO ledger.item VALUES ('default/0', 'action', 'act', 0, 0, NULL, NULL, NULL, NULL, 'permitted', '{}')`);
    expect(await migrateLedger(database.url)).toEqual([
      'LedgerPieces1760000300000',
      'LedgerHeads1763900000000',
      'LedgerGenerations1764100000000',
      'LedgerCounts1764200000000',
      'LedgerWaiting1764300000000',
    ]);
    for (const table of ['follower', 'piece', 'item']) expect(await count(table)).toBe(0);
    expect(await count('checkpoint')).toBe(1);
    await expect(count('node')).rejects.toThrow('does not exist');
    expect(await migrateLedger(database.url)).toEqual([]);
  } finally {
    await sql.end();
    await database.drop();
  }
}, 60_000);
