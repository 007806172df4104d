import { migrate } from '@bailiwick/event-store/migrations/run';
import { eventLogDatabase, type EventLogDatabase } from '../../../../test/support/eventlog-database';
import { Intent1760000200000 } from '../migrations/1760000200000-progress';
import { IntentStore } from './intent-store';

describe('IntentStore', () => {
  let database: EventLogDatabase;
  let store: IntentStore;
  beforeAll(async () => {
    database = await eventLogDatabase();
    await migrate(database.url, 'intent_migration', [Intent1760000200000]);
    store = await IntentStore.open(await database.as('intent'));
  }, 120_000);
  afterAll(async () => {
    await store.close();
    await database.drop();
  });

  it('starts a log that it does not know at position 0', async () => {
    expect(await store.since('default/0')).toBe(0);
  });

  it('replaces the start position of one log', async () => {
    await store.save('default/1', 5);
    await store.save('default/2', 7);
    await store.save('default/1', 4_294_967_296);
    expect(await store.since('default/1')).toBe(4_294_967_296);
    expect(await store.since('default/2')).toBe(7);
  });
});
