import type { NewKey } from '@bailiwick/contracts/keys/key';
import { LIMITS } from '@bailiwick/core/limits';
import { eventLogDatabase, query, type EventLogDatabase } from '../../../../test/support/eventlog-database';
import { PostgresKeys } from './keys';

const digest = (text: string): string => `${text.padEnd(43, 'A')}=`;
const id = (text: string): string => `key_${text.padStart(26, '0')}`;
const key = (name: string, more: Partial<NewKey> = {}): NewKey => ({
  id: id(name),
  name,
  role: 'analyst',
  digest: digest(name),
  createdBy: 'key:admin',
  ...more,
});

describe('PostgresKeys', () => {
  let database: EventLogDatabase;
  let keys: PostgresKeys;
  beforeAll(async () => {
    database = await eventLogDatabase();
  }, 120_000);
  afterAll(() => database.drop());
  beforeEach(async () => {
    await query(database.url, 'DELETE FROM access_key');
    keys = new PostgresKeys(await database.as('delegation'));
  });
  afterEach(() => keys.close());

  const issued = async (tenant: string, ...all: NewKey[]): Promise<void> => {
    const done = await keys.issue(tenant, all);
    if (!done.ok) throw new Error(done.error.detail);
  };
  const refusalOf = (done: Awaited<ReturnType<PostgresKeys['issue']>>): string => (done.ok ? 'none' : done.error.code);
  const secretsOf = async (name: string) => (await keys.changes(0)).keys.find((each) => each.name === name)?.secrets;

  it('returns a change once, to a reader that names the last version it has seen', async () => {
    const start = (await keys.changes(0)).version;
    await issued('acme', key('one'), key('two', { person: 'user:ada@example.com', groups: ['finance'] }));
    const first = await keys.changes(start);
    expect(first.keys.map(({ name, tenant, revoked }) => [name, tenant, revoked])).toEqual([
      ['one', 'acme', false],
      ['two', 'acme', false],
    ]);
    expect(first.keys[1]).toMatchObject({ person: 'user:ada@example.com', groups: ['finance'] });
    expect(await keys.changes(first.version)).toEqual({ version: first.version, keys: [], more: false });
    await keys.revoke('acme', id('one'));
    expect((await keys.changes(first.version)).keys).toMatchObject([{ name: 'one', revoked: true }]);
  });

  it('loses no change to a reader while several processes change keys', async () => {
    const other = new PostgresKeys(await database.as('delegation'));
    const names = Array.from({ length: 40 }, (_, i) => `k${i}`);
    const seen = new Set<string>();
    let version = 0;
    const read = async (): Promise<void> => {
      const found = await keys.changes(version);
      for (const { name } of found.keys) seen.add(name);
      version = found.version;
    };
    const writing = Promise.all(names.map((name, i) => (i % 2 ? keys : other).issue('acme', [key(name)])));
    for (let i = 0; i < 20; i++) await read();
    await writing;
    await read();
    await other.close();
    expect([...seen].sort()).toEqual([...names].sort());
  });

  it('never splits the keys of one change over two pages', async () => {
    const many = (from: number, n: number) =>
      Array.from({ length: n }, (_, i) => ({
        id: id(`t${from + i}`),
        tenant: `t${from + i}`,
        role: 'admin',
        digest: digest(`t${from + i}`),
      }));
    await keys.takeOver(many(0, 600));
    await keys.takeOver(many(600, 600));
    const first = await keys.changes(0);
    expect([first.keys.length, first.more]).toEqual([600, true]);
    const second = await keys.changes(first.version);
    expect([second.keys.length, second.more]).toEqual([600, false]);
  });

  it('issues nothing more for a repeated request, and refuses another key of a live name', async () => {
    await issued('acme', key('one'));
    expect(await keys.issue('acme', [key('one')])).toMatchObject({ ok: true, value: [{ name: 'one' }] });
    expect(refusalOf(await keys.issue('acme', [key('one', { id: id('other'), digest: digest('other') })]))).toBe(
      'CONFLICT',
    );
    await issued('other', key('one', { id: id('theirs'), digest: digest('theirs') }));
    await keys.revoke('acme', id('one'));
    await issued('acme', key('one', { id: id('next'), digest: digest('next') }));
    expect((await keys.list('acme')).map(({ id: of, status }) => [of, status])).toEqual([
      [id('next'), 'active'],
      [id('one'), 'revoked'],
    ]);
  });

  it('gives the name of an expired key to another', async () => {
    await issued('acme', key('one', { expiresAt: new Date(Date.now() - 1_000).toISOString() }));
    expect((await keys.list('acme'))[0]?.status).toBe('expired');
    await issued('acme', key('one', { id: id('next'), digest: digest('next') }));
    expect((await keys.list('acme')).map(({ status }) => status)).toEqual(['active', 'revoked']);
  });

  it('creates the keys of a tenant once, and reissues those of the same names at once', async () => {
    const roles = [key('admin', { role: 'admin' }), key('enforcer', { role: 'enforcer' })];
    expect(refusalOf(await keys.issue('acme', roles, 'reissue'))).toBe('NOT_FOUND');
    expect(refusalOf(await keys.issue('acme', roles, 'create'))).toBe('none');
    await issued('acme', key('ada', { person: 'user:ada@example.com' }));
    const fresh = roles.map((each) => ({ ...each, id: id(`new-${each.name}`), digest: digest(`new-${each.name}`) }));
    expect(refusalOf(await keys.issue('acme', fresh, 'create'))).toBe('CONFLICT');
    expect(refusalOf(await keys.issue('acme', fresh, 'reissue'))).toBe('none');
    const live = (await keys.list('acme')).filter(({ status }) => status === 'active').map((each) => each.id);
    expect(live).toEqual([id('ada'), id('new-admin'), id('new-enforcer')].sort((a, b) => (a < b ? -1 : 1)));
  });

  it('keeps the earlier secret of a rotated key for the overlap, and no longer than an earlier rotation states', async () => {
    await issued('acme', key('one'));
    await keys.rotate('acme', id('one'), digest('second'), 60_000);
    const [first] = (await secretsOf('one')) ?? [];
    const rotated = await keys.rotate('acme', id('one'), digest('third'), 3_600_000);
    expect(rotated).toMatchObject({ ok: true, value: { status: 'active', rotatedAt: expect.any(String) as string } });
    const secrets = (await secretsOf('one')) ?? [];
    expect(secrets.map((each) => [each.digest, each.until !== undefined]).sort()).toEqual([
      [digest('one'), true],
      [digest('second'), true],
      [digest('third'), false],
    ]);
    expect(secrets.find((each) => each.digest === digest('one'))?.until).toBe(first?.until);
    await keys.rotate('acme', id('one'), digest('last'), 0);
    expect((await secretsOf('one'))?.map((each) => each.digest)).toEqual([digest('last')]);
  });

  it('repeats a rotation without another secret, and bounds the secrets of a key', async () => {
    await issued('acme', key('one'));
    for (const each of ['b', 'b', 'c', 'd']) await keys.rotate('acme', id('one'), digest(each), 60_000);
    expect(await secretsOf('one')).toHaveLength(4);
    expect(await keys.rotate('acme', id('one'), digest('e'), 60_000)).toMatchObject({ error: { code: 'TOO_MANY' } });
    expect(await secretsOf('one')).toHaveLength(4);
  });

  it('finds no key of another tenant (I9)', async () => {
    await issued('acme', key('one'));
    expect(await keys.revoke('other', id('one'))).toMatchObject({ error: { code: 'NOT_FOUND' } });
    expect(await keys.rotate('other', id('one'), digest('x'), 0)).toMatchObject({ error: { code: 'NOT_FOUND' } });
    expect(await keys.list('other')).toEqual([]);
  });

  it('takes over the keys of an earlier release, and never brings back one that was revoked or replaced', async () => {
    const old = { id: id('old'), tenant: 'acme', role: 'admin', digest: digest('old') };
    await keys.takeOver([old]);
    expect(await keys.list('acme')).toMatchObject([{ name: 'admin', role: 'admin', status: 'active' }]);
    await keys.revoke('acme', id('old'));
    await keys.takeOver([old]);
    expect((await keys.changes(0)).keys).toMatchObject([{ name: 'admin', revoked: true }]);
    await issued('acme', key('admin', { role: 'admin' }));
    await keys.takeOver([{ ...old, id: id('older'), digest: digest('older') }]);
    expect((await keys.list('acme')).filter(({ status }) => status === 'active')).toHaveLength(1);
  });

  it('shows the last use, which is no change, and never an earlier one', async () => {
    await issued('acme', key('one'));
    const { version } = await keys.changes(0);
    await keys.used([{ id: id('one'), at: '2026-01-02T00:00:00.000Z' }]);
    await keys.used([{ id: id('one'), at: '2026-01-01T00:00:00.000Z' }]);
    expect((await keys.list('acme'))[0]?.lastUsedAt).toBe('2026-01-02T00:00:00.000Z');
    expect((await keys.changes(version)).keys).toEqual([]);
  });

  it('forgets the name of a person in keys that have ended, and not in a live one', async () => {
    const person = 'user:ada@example.com';
    await issued('acme', key('one', { person }), key('two', { person }));
    await keys.revoke('acme', id('one'));
    await keys.forget('acme', [person]);
    expect((await keys.list('acme')).map((each) => each.person)).toEqual([person, undefined]);
  });

  it('lists the people of a tenant, each once and in pages, and those of its ended keys too', async () => {
    await query(
      database.url,
      `INSERT INTO access_key (id, tenant, name, person, version, revoked_at)
       SELECT 'key_' || lpad(i::text, 26, '0'), 'many', 'k' || i, 'user:' || (i / 2), 0, now() FROM generate_series(0, ${2 * LIMITS.keys.page + 1}) AS i`,
    );
    await issued('acme', key('one', { person: 'user:ada@example.com' }));
    const first = await keys.people('many');
    const rest = await keys.people('many', first.people.at(-1));
    expect([first.people.length, first.more, rest.people.length, rest.more]).toEqual([
      LIMITS.keys.page,
      true,
      1,
      false,
    ]);
    expect(new Set([...first.people, ...rest.people]).size).toBe(LIMITS.keys.page + 1);
    expect(await keys.people('acme')).toEqual({ people: ['user:ada@example.com'], more: false });
  });

  it(`refuses more than ${LIMITS.keys.perTenant} live keys of a tenant`, async () => {
    await query(
      database.url,
      `INSERT INTO access_key (id, tenant, name, role, version)
       SELECT 'key_' || lpad(i::text, 26, '0'), 'full', 'k' || i, 'analyst', 0 FROM generate_series(1, ${LIMITS.keys.perTenant}) AS i`,
    );
    expect(refusalOf(await keys.issue('full', [key('more')]))).toBe('TOO_MANY');
    await issued('other', key('more'));
  });
});
