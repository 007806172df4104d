import { eventLogDatabase, type EventLogDatabase } from '../../test/support/eventlog-database';
import { eventLogContract } from './eventlog.contract';
import { PostgresEventLog } from './postgres';

let database: EventLogDatabase;
beforeAll(async () => {
  database = await eventLogDatabase();
}, 120_000);
afterAll(() => database.drop());

eventLogContract('in PostgreSQL, with the rights of the delegation service', async () => {
  const url = await database.as('delegation');
  return [new PostgresEventLog(url), new PostgresEventLog(url), new PostgresEventLog(url)];
});
