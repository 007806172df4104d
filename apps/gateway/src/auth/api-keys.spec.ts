import { execFile } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { identify } from './caller';
import { ApiKeys, ROLES } from './api-keys';
import { problemOf } from '../http/problem';
import { NOW, refusalOf, tokensAt } from '../testing/tokens';

let dir: string;
const file = (name: string): string => join(dir, name);
const keyOf = (role: string): string => `bwk_${role}_${role.padEnd(43, 'x')}`;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bailiwick-keys-'));
  const keys = Object.fromEntries(ROLES.map((role) => [role, keyOf(role)]));
  writeFileSync(file('credentials.json'), JSON.stringify({ url: '', tenant: 'default', keys }));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const open = (): ApiKeys => new ApiKeys(file('credentials.json'), file('tenants.json'));
const present = (keys: ApiKeys, authorization: string | undefined) =>
  identify(keys, tokensAt({ now: NOW }), { authorization, dpop: undefined, method: 'GET', url: 'https://x/' });

describe('a key is known', () => {
  it('by its role and tenant, for each of the six roles', () => {
    expect([...ROLES].sort()).toEqual(['admin', 'analyst', 'approver', 'enforcer', 'orchestrator', 'responder']);
    const keys = open();
    for (const role of ROLES) expect(keys.find(keyOf(role))).toEqual({ tenant: 'default', role });
  });

  it.each([
    ['admin', 'person'],
    ['orchestrator', 'service'],
    ['enforcer', 'service'],
    ['approver', 'person'],
    ['responder', 'person'],
    ['analyst', 'person'],
  ])('and %s acts as a %s, named by its role and never by the key', async (role, kind) => {
    const caller = await present(open(), `Bearer ${keyOf(role)}`);
    expect(caller).toEqual({ kind: 'key', tenant: 'default', role, actor: { kind, id: `key:${role}`, role } });
  });

  it.each(['bearer', 'BEARER', 'Bearer  '])('after the scheme written as "%s"', async (scheme) => {
    await expect(present(open(), `${scheme} ${keyOf('analyst')}`)).resolves.toMatchObject({ role: 'analyst' });
  });
});

describe('a key is not known', () => {
  const key = keyOf('admin');
  const REFUSED: [string, string | undefined][] = [
    ['where there is none', undefined],
    ['where there is nothing after the scheme', 'Bearer '],
    ['that nobody gave', `Bearer ${key.slice(0, -1)}y`],
    ['in part', `Bearer ${key.slice(0, -1)}`],
    ['with more after it', `Bearer ${key}x`],
    ['in other letters', `Bearer ${key.toUpperCase()}`],
    ['as basic credentials', `Basic ${Buffer.from(`admin:${key}`).toString('base64')}`],
    ['as a DPoP token', `DPoP ${key}`],
    ['without a scheme', key],
    ['with two', `Bearer ${key} ${key}`],
    ['with another before it', `Bearer x, Bearer ${key}`],
    ['that is the name of a role', 'Bearer orchestrator'],
    ['that is every object has', 'Bearer constructor'],
    ['of four kilobytes', `Bearer ${'x'.repeat(4_097)}`],
    ['that looks like a token and is none', 'Bearer eyJhbGciOiJub25lIn0.e30.'],
  ];

  it.each(REFUSED)('%s', async (_what, authorization) => {
    const refused = await refusalOf(present(open(), authorization));
    expect(problemOf(refused)).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
  });

  it('and a refusal has one shape, whatever was sent, that repeats nothing of it', async () => {
    const shapes = new Set<string>();
    for (const [, authorization] of REFUSED) {
      const { body } = problemOf(await refusalOf(present(open(), authorization)));
      shapes.add(JSON.stringify({ ...body, detail: typeof body.detail }));
      const sent = authorization?.split(' ')[1] ?? '';
      if (sent.length > 8) expect(body.detail).not.toContain(sent);
    }
    expect([...shapes]).toHaveLength(1);
  });

  it('and a wrong key of a known role is told the same as any other, to the letter', async () => {
    const details = new Set<string>();
    for (const wrong of [...ROLES.map((role) => `${keyOf(role).slice(0, -2)}zz`), 'bwk_nobody_0000', 'aaaaaaaaaaaa'])
      details.add((await refusalOf(present(open(), `Bearer ${wrong}`))).detail);
    expect(details.size).toBe(1);
  });
});

describe('the keys of a further tenant', () => {
  it('are told once, work at once and after a new start, and only for that tenant', () => {
    const keys = open();
    const told = keys.addTenant('acme');
    expect(Object.keys(told).sort()).toEqual([...ROLES].sort());
    for (const found of [keys, open()]) {
      for (const role of ROLES) expect(found.find(told[role])).toEqual({ tenant: 'acme', role });
      expect(found.find(keyOf('admin'))).toEqual({ tenant: 'default', role: 'admin' });
    }
  });

  it('are 256 random bits each', () => {
    const keys = open();
    const told = [...Object.values(keys.addTenant('a')), ...Object.values(keys.addTenant('b'))];
    const secrets = told.map((key) => /^bwk_[a-z]+_(.+)$/.exec(key)?.[1] ?? '');
    expect(new Set(secrets).size).toBe(12);
    for (const secret of secrets) expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
  });

  it('are kept as digests only, in a file that nobody else may read', () => {
    const told = open().addTenant('acme');
    const kept = readFileSync(file('tenants.json'), 'utf8');
    for (const key of Object.values(told)) expect(kept).not.toContain(key.slice(-20));
    expect(statSync(file('tenants.json')).mode & 0o777).toBe(0o600);
  });

  it('stay known when another tenant is made, by this process or another', () => {
    const [one, two] = [open(), open()];
    const acme = one.addTenant('acme');
    const other = two.addTenant('other');
    const later = open();
    expect(later.find(acme.analyst)).toEqual({ tenant: 'acme', role: 'analyst' });
    expect(later.find(other.analyst)).toEqual({ tenant: 'other', role: 'analyst' });
  });

  it.each(['acme', 'default'])('are not made twice: %s', async (tenant) => {
    const keys = open();
    const before = keys.addTenant('acme');
    const refused = await refusalOf(Promise.resolve().then(() => keys.addTenant(tenant)));
    expect(refused.code).toBe('CONFLICT');
    expect(open().find(before.admin)).toEqual({ tenant: 'acme', role: 'admin' });
  });

  it('are not given where they cannot be kept', () => {
    const keys = open();
    mkdirSync(file('tenants.json')); // a file cannot take its place
    expect(() => keys.addTenant('acme')).toThrow();
    expect(keys.find(keyOf('admin'))).toBeDefined();
  });
});

describe('the keys of a further tenant, at several gateways', () => {
  it('it knows at once a key that another gateway has made since', () => {
    const [one, two] = [open(), open()];
    const acme = one.addTenant('acme');
    expect(two.find(acme.enforcer)).toEqual({ tenant: 'acme', role: 'enforcer' });
    expect(two.has('acme')).toBe(true);
  });

  it('it makes no tenant twice at two gateways', () => {
    const [one, two] = [open(), open()];
    one.addTenant('acme');
    expect(() => two.addTenant('acme')).toThrow(/there already/);
  });

  it('it issues new keys where the answer was lost; the old ones are not known any more, there at once', () => {
    const keys = open();
    const [lost, other] = [keys.addTenant('acme'), keys.addTenant('other')];
    const fresh = keys.reissue('acme');
    for (const each of [keys, open()]) {
      expect(each.find(lost.admin)).toBeUndefined();
      expect(each.find(fresh.admin)).toEqual({ tenant: 'acme', role: 'admin' });
      expect(each.find(other.admin)).toEqual({ tenant: 'other', role: 'admin' });
    }
  });

  it('it knows a replaced key at another gateway for less than a second', () => {
    const [one, two] = [open(), open()];
    const old = one.addTenant('acme');
    expect(two.find(old.admin)).toBeDefined();
    one.reissue('acme');
    const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now() + 999);
    expect(two.find(old.admin)).toBeUndefined();
    clock.mockRestore();
  });

  it('it issues none for the tenant of the installation, and none for one that has none', () => {
    expect(() => open().reissue('default')).toThrow(/installation/);
    expect(() => open().reissue('nobody')).toThrow(/no keys yet/);
  });

  it('it takes over the lock of a gateway that died, and leaves nothing behind', () => {
    writeFileSync(file('tenants.json.lock'), 'dead');
    utimesSync(file('tenants.json.lock'), new Date(0), new Date(0));
    open().addTenant('acme');
    expect(readdirSync(dir).sort()).toEqual(['credentials.json', 'tenants.json']);
  });

  it('it changes nothing while another holds the lock', () => {
    writeFileSync(file('tenants.json.lock'), 'alive');
    expect(() => open().addTenant('acme')).toThrow(/another gateway/);
    expect(readdirSync(dir).sort()).toEqual(['credentials.json', 'tenants.json.lock']);
  });

  it('it loses none where several processes make tenants concurrently', async () => {
    const script = `const { ApiKeys } = require(${JSON.stringify(join(__dirname, 'api-keys.ts'))});
      const keys = new ApiKeys(${JSON.stringify(file('credentials.json'))}, ${JSON.stringify(file('tenants.json'))});
      for (let i = 0; i < 15; i++) keys.addTenant('t' + process.argv[1] + '-' + i);`;
    const register = join(__dirname, '../../../../test/support/register.cjs');
    const run = promisify(execFile);
    await Promise.all([0, 1, 2].map((n) => run(process.execPath, ['--require', register, '-e', script, String(n)])));
    const kept = JSON.parse(readFileSync(file('tenants.json'), 'utf8')) as unknown[];
    expect(kept).toHaveLength(3 * 15 * ROLES.length);
  }, 60_000);
});
