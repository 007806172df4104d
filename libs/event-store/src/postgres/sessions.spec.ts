import { eventLogDatabase, query, type EventLogDatabase } from '../../../../test/support/eventlog-database';
import { LIMITS } from '@bailiwick/core/limits';
import { PostgresSessions } from './sessions';

const digest = (letter: string): string => `${letter.repeat(43)}=`;
const KEYS = { tenant: 'default', holder: { kind: 'keys' as const, keys: [{ digest: digest('k') }] } };
const ADA = {
  tenant: 'default',
  holder: { kind: 'person' as const, person: 'user:ada', ref: 'ref_ada', roles: [], groups: [], via: 'https://id' },
};

describe('stored sessions', () => {
  let database: EventLogDatabase;
  let sessions: PostgresSessions;
  beforeAll(async () => {
    database = await eventLogDatabase();
    sessions = new PostgresSessions(await database.as('delegation'));
  }, 120_000);
  afterAll(async () => {
    await sessions.close();
    await database.drop();
  });
  beforeEach(() => query(database.url, 'TRUNCATE browser_session, session_link'));
  const shift = (column: string, by: string) =>
    query(database.url, `UPDATE browser_session SET ${column} = ${column} - interval '${by}'`);

  it('start once per link, of all that ask at the same time, and again for the same session', async () => {
    await sessions.addLink(digest('l'), KEYS);
    const asked = ['a', 'b', 'c'].map((each) => sessions.start(digest(each), { link: digest('l') }));
    const started = (await Promise.all(asked)).filter((each) => each !== undefined);
    expect(started).toMatchObject([KEYS]);
    const [won] = await query<{ digest: string }>(database.url, 'SELECT digest FROM browser_session');
    expect(await sessions.start(won?.digest ?? '', { link: digest('l') })).toEqual(started[0]);
    expect(await sessions.start(digest('d'), { link: digest('l') })).toBeUndefined();
  });

  it('do not start with a link that has ended', async () => {
    await sessions.addLink(digest('l'), KEYS);
    await query(database.url, "UPDATE session_link SET expires_at = expires_at - interval '10 minutes'");
    expect(await sessions.start(digest('a'), { link: digest('l') })).toBeUndefined();
  });

  it('end without use, and in any case after their longest life; a use puts off the first only', async () => {
    await sessions.start(digest('a'), KEYS);
    const first = await sessions.find(digest('a'), false);
    await shift('used_at', '29 minutes');
    expect(await sessions.find(digest('a'), false)).toMatchObject(KEYS);
    const used = await sessions.find(digest('a'), true);
    expect(used?.expiresAt).toBe(first?.expiresAt);
    await shift('used_at', '29 minutes');
    expect(await sessions.find(digest('a'), false)).toMatchObject(KEYS);
    await shift('used_at', '2 minutes');
    for (const use of [true, false]) expect(await sessions.find(digest('a'), use)).toBeUndefined();
    await sessions.start(digest('b'), KEYS);
    await shift('expires_at', '8 hours');
    expect(await sessions.find(digest('b'), true)).toBeUndefined();
  });

  it('of a holder who starts too many end first, and no one else’s', async () => {
    const count = LIMITS.sessions.perHolder + 5;
    await sessions.start(digest('a'), ADA);
    for (let i = 0; i < count; i++) await sessions.start(`${digest('k')}${i}`, KEYS);
    expect(await sessions.find(`${digest('k')}0`, false)).toBeUndefined();
    expect(await sessions.find(`${digest('k')}${count - 1}`, false)).toMatchObject(KEYS);
    expect(await sessions.find(digest('a'), false)).toMatchObject(ADA);
    await sessions.addLink(digest('l'), ADA);
    for (let i = 0; i < count; i++) await sessions.addLink(`${digest('m')}${i}`, KEYS);
    const counted = 'SELECT count(*)::int AS n FROM';
    const [sessionsLeft] = await query<{ n: number }>(database.url, `${counted} browser_session`);
    const [linksLeft] = await query<{ n: number }>(database.url, `${counted} session_link`);
    expect([sessionsLeft?.n, linksLeft?.n]).toEqual([count - 4, count - 4]);
    expect(await sessions.start(digest('b'), { link: digest('l') })).toMatchObject(ADA);
  });

  it('end one by one, and all those of a person', async () => {
    for (const each of ['a', 'b']) await sessions.start(digest(each), ADA);
    await sessions.start(digest('k'), KEYS);
    await sessions.start(digest('o'), { ...ADA, tenant: 'other' });
    await sessions.end(digest('k'));
    expect(await sessions.find(digest('k'), false)).toBeUndefined();
    expect(await sessions.endOf('default', 'ref_ada')).toBe(2);
    expect(await sessions.find(digest('a'), false)).toBeUndefined();
    expect(await sessions.find(digest('o'), false)).toMatchObject({ tenant: 'other' });
  });
});
