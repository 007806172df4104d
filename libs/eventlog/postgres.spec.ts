import { eventLogDatabase, type EventLogDatabase } from '../../test/support/eventlog-database';
import { eventLogContract } from './eventlog.contract';
import { PostgresEventLog } from './postgres';

let database: EventLogDatabase;
beforeAll(async () => {
  database = await eventLogDatabase();
}, 120_000);
afterAll(() => database.drop());

eventLogContract(
  'in PostgreSQL, with the rights of the delegation service',
  async () => new PostgresEventLog(await database.as('delegation')),
);
