import { LIMITS } from '@bailiwick/core/limits';
import { eventLogDatabase, type EventLogDatabase } from '../../../../test/support/eventlog-database';
import { PostgresMcpPins } from './mcp-pins';

const DIGEST = `sha256:${'0'.repeat(64)}`;
const PIN = { digest: DIGEST, identity: DIGEST, tools: { read: DIGEST }, approvedBy: 'key:admin' };
const config = (url: string) => ({ upstream: { url } });

describe('PostgresMcpPins', () => {
  let database: EventLogDatabase;
  let pins: PostgresMcpPins;
  beforeAll(async () => {
    database = await eventLogDatabase();
    pins = new PostgresMcpPins(await database.as('delegation'));
  }, 120_000);
  afterAll(async () => {
    await pins.close();
    await database.drop();
  });

  it('stores the servers of each tenant apart, the newest settings of each, by name', async () => {
    expect(await pins.register('acme', 'mail', config('https://one.example/'))).toBe(true);
    expect(await pins.register('acme', 'files', config('https://files.example/'))).toBe(true);
    expect(await pins.register('acme', 'mail', config('https://two.example/'))).toBe(false);
    expect(await pins.server('acme', 'mail')).toEqual(config('https://two.example/'));
    expect((await pins.servers('acme')).map(({ name }) => name)).toEqual(['files', 'mail']);
    expect([await pins.server('other', 'mail'), await pins.servers('other')]).toEqual([undefined, []]);
  });

  it('removes a server of a tenant with what was approved of it, so that it is in quarantine once it is registered again', async () => {
    for (const tenant of ['acme', 'other']) {
      await pins.register(tenant, 'notes', config('https://notes.example/'));
      await pins.approve(tenant, 'notes', PIN, {});
    }
    expect([await pins.remove('acme', 'notes'), await pins.remove('acme', 'notes')]).toEqual([true, false]);
    expect([await pins.server('acme', 'notes'), await pins.find('acme', 'notes')]).toEqual([undefined, undefined]);
    expect(await pins.find('other', 'notes')).toMatchObject(PIN);
    await pins.approve('acme', 'infile', PIN, {}); // of a server in mcp.json, which is not registered here
    expect([await pins.remove('acme', 'infile'), (await pins.find('acme', 'infile'))?.digest]).toEqual([false, DIGEST]);
  });

  it('registers as many servers of a tenant as it may have, and replaces them then', async () => {
    for (let i = 0; i < LIMITS.mcp.servers; i++) await pins.register('full', `s${i}`, config('https://one.example/'));
    expect(await pins.register('full', 'more', config('https://one.example/'))).toBeUndefined();
    expect(await pins.register('full', 's0', config('https://two.example/'))).toBe(false);
  });
});
