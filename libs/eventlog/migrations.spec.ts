import { migrateEventLog } from './migrations/run';
import { query } from '../../test/support/eventlog-database';
import { freshServer } from '../../test/support/eventlog-server';

/** Run alone on a server where even the roles do not exist yet, as at an installation's first start. */
describe('bringing the event log’s schema up to date', () => {
  let server: Awaited<ReturnType<typeof freshServer>>;
  beforeAll(async () => {
    server = await freshServer();
  }, 120_000);
  afterAll(() => server.stop());

  it('works from several services at once, also where they make the server’s roles for different databases', async () => {
    const urls = await Promise.all(['a', 'b', 'c'].map((name) => server.database(name)));
    const ran = await Promise.all(urls.flatMap((url) => [url, url, url]).map(migrateEventLog));
    expect(ran.flat()).toEqual(
      Array.from({ length: 3 }, () => ['EventLog1760000000000', 'LogOwners1760000000001']).flat(),
    );
    for (const url of urls) {
      expect(await query(url, 'SELECT count(*)::int AS runs FROM eventlog_migration')).toEqual([{ runs: 2 }]);
    }
  });

  it('changes nothing where it has been run before', async () => {
    const url = await server.database('again');
    expect(await migrateEventLog(url)).toHaveLength(2);
    await query(url, "INSERT INTO log (name, tenant) VALUES ('default/0', 'default')");
    expect(await migrateEventLog(url)).toEqual([]);
    expect(await query(url, 'SELECT name FROM log')).toEqual([{ name: 'default/0' }]);
  });
});
