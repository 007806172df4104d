import { eventLogDatabase, query, type EventLogDatabase } from '../../../../test/support/eventlog-database';
import { PostgresPayloads } from './payloads';
import { PostgresPeople } from './people';

const ADA = `ref_${'a'.repeat(26)}`;
const BOB = `ref_${'b'.repeat(26)}`;

describe('PostgresPeople', () => {
  let database: EventLogDatabase;
  let people: PostgresPeople;
  let erasures: PostgresPayloads;
  beforeAll(async () => {
    database = await eventLogDatabase();
    people = new PostgresPeople(await database.as('delegation'));
    erasures = new PostgresPayloads(await database.as('delegation'));
  }, 120_000);
  afterAll(async () => {
    await Promise.all([people.close(), erasures.close()]);
    await database.drop();
  });
  beforeEach(() => query(database.url, 'DELETE FROM person_name'));

  it('returns the first name that was recorded for a ref, in its tenant alone', async () => {
    await people.record('acme', [{ ref: ADA, name: 'user:ada@example.com' }]);
    await people.record('acme', [
      { ref: ADA, name: 'user:ADA@example.com' },
      { ref: BOB, name: 'user:bob@example.com' },
    ]);
    expect(await people.of('acme', [ADA, BOB])).toEqual({
      [ADA]: 'user:ada@example.com',
      [BOB]: 'user:bob@example.com',
    });
    expect(await people.of('other', [ADA, BOB])).toEqual({});
  });

  it('keeps no name after an erasure, and records none again', async () => {
    await people.record('acme', [{ ref: ADA, name: 'user:ada@example.com' }]);
    expect(await erasures.hasName('acme/0', ADA)).toBe(true);
    await erasures.eraseName('acme/0', ADA);
    await erasures.eraseName('acme/0', BOB); // a person whose name was never recorded
    await people.record('acme', [
      { ref: ADA, name: 'user:ada@example.com' },
      { ref: BOB, name: 'user:bob@example.com' },
    ]);
    expect(await people.of('acme', [ADA, BOB])).toEqual({ [ADA]: null, [BOB]: null });
    expect(await erasures.hasName('acme/0', ADA)).toBe(false);
    const rows = await query(database.url, 'SELECT each::text AS row FROM person_name AS each');
    expect(JSON.stringify(rows)).not.toContain('example.com');
  });
});
