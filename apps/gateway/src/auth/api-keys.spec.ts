import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HeldKey } from '@bailiwick/contracts/keys/key';
import { LIMITS } from '@bailiwick/core/limits';
import { identify } from './caller';
import { ApiKeys, ROLES } from './api-keys';
import { digestOf } from './secrets';
import { problemOf } from '../http/problems/problem';
import { KeyStore } from '../testing/key-store';
import { NOW, refusalOf, tokensAt } from '../testing/tokens';

let dir: string;
const file = (name: string): string => join(dir, name);
const keyOf = (role: string): string => `bwk_${role}_${role.padEnd(43, 'x')}`;

let store: KeyStore;
let now: number;
let running: ApiKeys[];
beforeEach(() => {
  store = new KeyStore();
  now = 1_000_000;
  running = [];
  dir = mkdtempSync(join(tmpdir(), 'bailiwick-keys-'));
  const keys = Object.fromEntries(ROLES.map((role) => [role, keyOf(role)]));
  writeFileSync(file('credentials.json'), JSON.stringify({ url: '', tenant: 'default', keys }));
});
afterEach(async () => {
  await Promise.all(running.map((keys) => keys.onApplicationShutdown()));
  rmSync(dir, { recursive: true, force: true });
});

const open = (): ApiKeys =>
  new ApiKeys(
    { credentials: file('credentials.json'), tenants: file('tenants.json') },
    store.bus,
    () => NOW,
    () => now,
  );
const pseudonyms = { ref: (...parts: string[]) => `ref of ${parts.join(' ')}` };
const present = (keys: ApiKeys, authorization: string | undefined) =>
  identify(
    { keys, tokens: tokensAt({ now: NOW }), pseudonyms },
    { authorization, dpop: undefined, method: 'GET', url: 'https://x/' },
  );
/** Starts a gateway's keys and waits until it has read those of the store. */
async function start(): Promise<ApiKeys> {
  const keys = open();
  running.push(keys);
  keys.onApplicationBootstrap();
  await keys.refresh();
  return keys;
}
const held = (name: string, more: Partial<HeldKey> = {}): HeldKey => ({
  id: `key_${name.replace('-', '').padStart(26, '0')}`,
  tenant: 'acme',
  name,
  role: 'analyst',
  revoked: false,
  secrets: [{ digest: digestOf(`bwk_${name}`) }],
  ...more,
});

describe('identify with a known API key', () => {
  it('finds role and tenant for the key of each role', () => {
    expect([...ROLES].sort()).toEqual(['admin', 'analyst', 'approver', 'enforcer', 'orchestrator', 'responder']);
    const keys = open();
    for (const role of ROLES) expect(keys.find(keyOf(role))).toEqual({ tenant: 'default', role, name: role });
  });

  it.each([
    ['admin', 'person'],
    ['orchestrator', 'service'],
    ['enforcer', 'service'],
    ['approver', 'person'],
    ['responder', 'person'],
    ['analyst', 'person'],
  ])('makes the key of the %s act as a %s, named by its role and not by the key', async (role, kind) => {
    const caller = await present(open(), `Bearer ${keyOf(role)}`);
    expect(caller).toEqual({ kind: 'key', tenant: 'default', roles: [role], actor: { kind, id: `key:${role}`, role } });
  });

  it.each(['bearer', 'BEARER', 'Bearer  '])('accepts the scheme written as "%s"', async (scheme) => {
    await expect(present(open(), `${scheme} ${keyOf('analyst')}`)).resolves.toMatchObject({ roles: ['analyst'] });
  });
});

describe('identify with an invalid credential', () => {
  const key = keyOf('admin');
  const REFUSED: [string, string | undefined][] = [
    ['no header', undefined],
    ['nothing after the scheme', 'Bearer '],
    ['a key that was never issued', `Bearer ${key.slice(0, -1)}y`],
    ['a part of a key', `Bearer ${key.slice(0, -1)}`],
    ['a key with a suffix', `Bearer ${key}x`],
    ['a key in capitals', `Bearer ${key.toUpperCase()}`],
    ['a key as Basic credentials', `Basic ${Buffer.from(`admin:${key}`).toString('base64')}`],
    ['a key as a DPoP token', `DPoP ${key}`],
    ['a key without a scheme', key],
    ['two keys', `Bearer ${key} ${key}`],
    ['another credential before the key', `Bearer x, Bearer ${key}`],
    ['the name of a role', 'Bearer orchestrator'],
    ['a member of every object', 'Bearer constructor'],
    ['eight kilobytes', `Bearer ${'x'.repeat(8_193)}`],
    ['an unsigned token', 'Bearer eyJhbGciOiJub25lIn0.e30.'],
  ];

  it.each(REFUSED)('refuses %s', async (_case, authorization) => {
    const refused = await refusalOf(present(await start(), authorization));
    expect(problemOf(refused)).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
  });

  it('refuses every credential in the same shape and repeats none of it', async () => {
    const shapes = new Set<string>();
    for (const [, authorization] of REFUSED) {
      const { body } = problemOf(await refusalOf(present(await start(), authorization)));
      shapes.add(JSON.stringify({ ...body, detail: typeof body.detail }));
      const sent = authorization?.split(' ')[1] ?? '';
      if (sent.length > 8) expect(body.detail).not.toContain(sent);
    }
    expect([...shapes]).toHaveLength(1);
  });

  it('gives exactly the same detail for every wrong key', async () => {
    const details = new Set<string>();
    for (const wrong of [...ROLES.map((role) => `${keyOf(role).slice(0, -2)}zz`), 'bwk_unknown_0000', 'aaaaaaaaaaaa'])
      details.add((await refusalOf(present(open(), `Bearer ${wrong}`))).detail);
    expect(details.size).toBe(1);
  });
});

describe('an unknown key', () => {
  it('is looked up by the digest of the whole of it, in the same steps whatever it shares with a key (timing)', async () => {
    const known = `bwk_analyst_${'k'.repeat(43)}`;
    store.put(held('known', { secrets: [{ digest: digestOf(known) }] }));
    const keys = await start();
    const wrong = [`${known.slice(0, -1)}x`, `bwk_analyst_${'x'.repeat(43)}`, `bwk_x${known.slice(5)}`];
    const lookedUp = jest.spyOn(Map.prototype, 'get');
    const steps: unknown[] = [];
    for (const each of wrong) {
      const reads = store.reads;
      lookedUp.mockClear();
      expect(await keys.find(each)).toBeUndefined();
      const asked = lookedUp.mock.calls.map(([key]) => key as unknown).filter((key) => typeof key === 'string');
      expect(asked).not.toContain(each);
      steps.push([store.reads - reads, asked.filter((key) => key === digestOf(each)).length]);
    }
    lookedUp.mockRestore();
    expect(steps).toEqual([steps[0], steps[0], steps[0]]);
    expect(steps[0]).not.toContain(0);
  });
});

describe('identify with an issued key', () => {
  it('names a person by ref, with role, groups and the key', async () => {
    store.put(held('ada-key', { role: 'approver', person: 'user:ada@example.com', groups: ['finance'] }));
    expect(await present(await start(), 'Bearer bwk_ada-key')).toEqual({
      kind: 'key',
      tenant: 'acme',
      roles: ['approver'],
      person: 'user:ada@example.com',
      keyName: 'ada-key',
      actor: {
        kind: 'person',
        id: 'ref of acme person user:ada@example.com',
        role: 'approver',
        groups: ['finance'],
        via: held('ada-key').id,
      },
    });
  });

  it('names a service by its key, whatever its role', async () => {
    store.put(held('deployer', { role: 'approver' }));
    const caller = await present(await start(), 'Bearer bwk_deployer');
    expect(caller.actor).toEqual({ kind: 'service', id: 'key:deployer', role: 'approver', via: held('deployer').id });
    expect(caller).not.toHaveProperty('person');
  });

  it('names the key of a role of a tenant as that of the installation', async () => {
    store.put(held('approver', { role: 'approver' }));
    const caller = await present(await start(), 'Bearer bwk_approver');
    expect(caller.actor).toEqual({ kind: 'person', id: 'key:approver', role: 'approver' });
  });

  it('gives a person without a role none', async () => {
    const { role: _, ...personal } = held('bob-key', { person: 'user:bob@example.com' });
    store.put(personal);
    expect(await present(await start(), 'Bearer bwk_bob-key')).toMatchObject({
      roles: [],
      person: 'user:bob@example.com',
    });
  });
});

describe('ApiKeys at several gateways', () => {
  const find = async (keys: ApiKeys, key: string): Promise<unknown> => (await keys.find(key))?.name;

  it('finds a key at once that another gateway issued', async () => {
    const keys = await start();
    store.put(held('new'));
    expect(await find(keys, 'bwk_new')).toBe('new');
  });

  it('finds a known key without a read', async () => {
    store.put(held('known'));
    const keys = await start();
    const reads = store.reads;
    expect(keys.find('bwk_known')).toMatchObject({ name: 'known' });
    expect(store.reads).toBe(reads);
  });

  it('refuses a key that another gateway revoked, within a second', async () => {
    store.put(held('known'));
    const keys = await start();
    store.revoke(held('known').id);
    now += 999;
    expect(await find(keys, 'bwk_known')).toBeUndefined();
  });

  it('accepts issued keys for a bounded time while it cannot read whether they were revoked', async () => {
    store.put(held('known'));
    const keys = await start();
    store.reachable = false;
    now += LIMITS.keys.vouchedMs;
    expect(await find(keys, 'bwk_known')).toBe('known');
    now += 1;
    expect((await refusalOf(Promise.resolve(keys.find('bwk_known')))).code).toBe('NOT_READY');
    expect(keys.find(keyOf('admin'))).toMatchObject({ name: 'admin' });
    store.reachable = true;
    expect(await find(keys, 'bwk_known')).toBe('known');
  });

  it('accepts no issued key before its first read', async () => {
    store.put(held('known'));
    store.reachable = false;
    expect((await refusalOf(Promise.resolve(open().find('bwk_known')))).code).toBe('NOT_READY');
  });

  it('asks for no change on behalf of a token', () => {
    expect(open().find('eyJhbGciOiJFZERTQSJ9.e30.AAAA')).toBeUndefined();
    expect(store.reads).toBe(0);
  });

  it('accepts both secrets of a rotated key until the end of their overlap', async () => {
    const secrets = [
      { digest: digestOf('bwk_old'), until: new Date(NOW + 1).toISOString() },
      { digest: digestOf('bwk_ended'), until: new Date(NOW).toISOString() },
      { digest: digestOf('bwk_new') },
    ];
    store.put(held('one', { secrets }));
    const keys = await start();
    expect([await find(keys, 'bwk_old'), await find(keys, 'bwk_new'), await find(keys, 'bwk_ended')]).toEqual([
      'one',
      'one',
      undefined,
    ]);
    store.put(held('one', { secrets: [{ digest: digestOf('bwk_new') }] }));
    now += 999;
    expect([await find(keys, 'bwk_old'), await find(keys, 'bwk_new')]).toEqual([undefined, 'one']);
  });

  it.each([
    [1, 'one'],
    [0, undefined],
  ])('accepts a key until it expires: %d ms before gives %s', async (ahead, found) => {
    store.put(held('one', { expiresAt: new Date(NOW + ahead).toISOString() }));
    expect(await find(await start(), 'bwk_one')).toBe(found);
  });

  it('reports which keys were used, and when', async () => {
    store.put(held('one'), held('two'));
    const keys = await start();
    await find(keys, 'bwk_one');
    await keys.onApplicationShutdown();
    expect(store.used).toEqual([{ id: held('one').id, at: expect.any(String) as string }]);
  });
});

describe('ApiKeys with the file of an earlier release', () => {
  const legacy = [
    [digestOf('bwk_admin_old'), { tenant: 'acme', role: 'admin' }],
    [digestOf('bwk_analyst_old'), { tenant: 'other', role: 'analyst' }],
  ];
  const takenOver = () => existsSync(file('tenants.json.taken-over'));

  it('takes over its keys, and keeps the file under another name', async () => {
    writeFileSync(file('tenants.json'), JSON.stringify(legacy));
    const keys = await start();
    await keys.takenOver;
    expect(await keys.find('bwk_admin_old')).toMatchObject({ tenant: 'acme', role: 'admin', name: 'admin' });
    expect(await keys.find('bwk_analyst_old')).toMatchObject({ tenant: 'other', role: 'analyst' });
    expect([existsSync(file('tenants.json')), takenOver()]).toEqual([false, true]);
    expect(JSON.parse(readFileSync(file('tenants.json.taken-over'), 'utf8'))).toEqual(legacy);
  });

  it('keeps the file until its keys are stored', async () => {
    writeFileSync(file('tenants.json'), JSON.stringify(legacy));
    store.reachable = false;
    const keys = await start();
    await keys.takenOver;
    expect([existsSync(file('tenants.json')), takenOver()]).toEqual([true, false]);
  });

  it('gives a key the same id at every gateway', async () => {
    writeFileSync(file('tenants.json'), JSON.stringify(legacy));
    await (
      await start()
    ).takenOver;
    writeFileSync(file('tenants.json'), JSON.stringify(legacy));
    await (
      await start()
    ).takenOver;
    expect(new Set((store.taken as { id: string }[]).map(({ id }) => id)).size).toBe(2);
  });

  it('does not start with a file that cannot be read', async () => {
    writeFileSync(file('tenants.json'), 'not JSON');
    expect(() => open().onApplicationBootstrap()).toThrow('tenants.json');
  });
});
