import { EVENT_LOG_MIGRATIONS, migrateEventLog } from './run';
import { query } from '../../../../test/support/eventlog-database';
import { freshServer } from '../../../../test/support/eventlog-server';

const NAMES = EVENT_LOG_MIGRATIONS.map(({ name }) => name);

/** Runs on a separate server where even the roles do not exist yet, as at an installation's first start. */
describe('migrateEventLog', () => {
  let server: Awaited<ReturnType<typeof freshServer>>;
  beforeAll(async () => {
    server = await freshServer();
  }, 120_000);
  afterAll(() => server.stop());

  it('works from several services at once, even if they create the server’s roles for different databases', async () => {
    const urls = await Promise.all(['a', 'b', 'c'].map((name) => server.database(name)));
    const ran = await Promise.all(urls.flatMap((url) => [url, url, url]).map(migrateEventLog));
    expect(ran.filter((names) => names.length > 0)).toEqual([NAMES, NAMES, NAMES]);
    for (const url of urls) {
      expect(await query(url, 'SELECT count(*)::int AS runs FROM eventlog_migration')).toEqual([
        { runs: NAMES.length },
      ]);
    }
  });

  it('changes nothing if all migrations have been applied', async () => {
    const url = await server.database('again');
    expect(await migrateEventLog(url)).toEqual(NAMES);
    await query(url, "INSERT INTO log (name, tenant) VALUES ('default/0', 'default')");
    expect(await migrateEventLog(url)).toEqual([]);
    expect(await query(url, 'SELECT name FROM log')).toEqual([{ name: 'default/0' }]);
  });
});
