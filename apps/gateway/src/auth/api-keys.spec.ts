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
import { problemOf } from '../http/problems/problem';
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

describe('identify with a known API key', () => {
  it('finds role and tenant for the key of each role', () => {
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
  ])('makes the key of the %s act as a %s, named by its role and not by the key', async (role, kind) => {
    const caller = await present(open(), `Bearer ${keyOf(role)}`);
    expect(caller).toEqual({ kind: 'key', tenant: 'default', role, actor: { kind, id: `key:${role}`, role } });
  });

  it.each(['bearer', 'BEARER', 'Bearer  '])('accepts the scheme written as "%s"', async (scheme) => {
    await expect(present(open(), `${scheme} ${keyOf('analyst')}`)).resolves.toMatchObject({ role: 'analyst' });
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
    ['four kilobytes', `Bearer ${'x'.repeat(4_097)}`],
    ['an unsigned token', 'Bearer eyJhbGciOiJub25lIn0.e30.'],
  ];

  it.each(REFUSED)('refuses %s', async (_case, authorization) => {
    const refused = await refusalOf(present(open(), authorization));
    expect(problemOf(refused)).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
  });

  it('refuses every credential in the same shape and repeats none of it', async () => {
    const shapes = new Set<string>();
    for (const [, authorization] of REFUSED) {
      const { body } = problemOf(await refusalOf(present(open(), authorization)));
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

describe('ApiKeys: the keys of an additional tenant', () => {
  it('returns them once; they work at once and after a restart, for that tenant only', () => {
    const keys = open();
    const issued = keys.addTenant('acme');
    expect(Object.keys(issued).sort()).toEqual([...ROLES].sort());
    for (const found of [keys, open()]) {
      for (const role of ROLES) expect(found.find(issued[role])).toEqual({ tenant: 'acme', role });
      expect(found.find(keyOf('admin'))).toEqual({ tenant: 'default', role: 'admin' });
    }
  });

  it('issues keys of 256 random bits', () => {
    const keys = open();
    const issued = [...Object.values(keys.addTenant('a')), ...Object.values(keys.addTenant('b'))];
    const secrets = issued.map((key) => /^bwk_[a-z]+_(.+)$/.exec(key)?.[1] ?? '');
    expect(new Set(secrets).size).toBe(12);
    for (const secret of secrets) expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
  });

  it('stores only digests, in a file that only its owner can read', () => {
    const issued = open().addTenant('acme');
    const kept = readFileSync(file('tenants.json'), 'utf8');
    for (const key of Object.values(issued)) expect(kept).not.toContain(key.slice(-20));
    expect(statSync(file('tenants.json')).mode & 0o777).toBe(0o600);
  });

  it('keeps them when this or another process adds a tenant', () => {
    const [one, two] = [open(), open()];
    const acme = one.addTenant('acme');
    const other = two.addTenant('other');
    const later = open();
    expect(later.find(acme.analyst)).toEqual({ tenant: 'acme', role: 'analyst' });
    expect(later.find(other.analyst)).toEqual({ tenant: 'other', role: 'analyst' });
  });

  it.each(['acme', 'default'])('refuses to add an existing tenant: %s', async (tenant) => {
    const keys = open();
    const before = keys.addTenant('acme');
    const refused = await refusalOf(Promise.resolve().then(() => keys.addTenant(tenant)));
    expect(refused.code).toBe('CONFLICT');
    expect(open().find(before.admin)).toEqual({ tenant: 'acme', role: 'admin' });
  });

  it('fails without keys if they cannot be stored', () => {
    const keys = open();
    mkdirSync(file('tenants.json')); // a file cannot replace a directory
    expect(() => keys.addTenant('acme')).toThrow();
    expect(keys.find(keyOf('admin'))).toBeDefined();
  });
});

describe('ApiKeys at several gateways', () => {
  it('finds at once a key that another gateway issued', () => {
    const [one, two] = [open(), open()];
    const acme = one.addTenant('acme');
    expect(two.find(acme.enforcer)).toEqual({ tenant: 'acme', role: 'enforcer' });
    expect(two.has('acme')).toBe(true);
  });

  it('reads the file for keys only, so that a file that cannot be read does not refuse grant tokens', () => {
    const keys = open();
    writeFileSync(file('tenants.json'), 'not JSON');
    expect(() => keys.find('bwk_enforcer_unknown')).toThrow('JSON');
    expect(keys.find('eyJhbGciOiJFZERTQSJ9.e30.AAAA')).toBeUndefined();
  });

  it('refuses to add a tenant that another gateway added', () => {
    const [one, two] = [open(), open()];
    one.addTenant('acme');
    expect(() => two.addTenant('acme')).toThrow(/already exists/);
  });

  it('issues new keys if the response was lost, and the old ones end at once', () => {
    const keys = open();
    const [lost, other] = [keys.addTenant('acme'), keys.addTenant('other')];
    const fresh = keys.reissue('acme');
    for (const each of [keys, open()]) {
      expect(each.find(lost.admin)).toBeUndefined();
      expect(each.find(fresh.admin)).toEqual({ tenant: 'acme', role: 'admin' });
      expect(each.find(other.admin)).toEqual({ tenant: 'other', role: 'admin' });
    }
  });

  it('accepts a key that another gateway replaced for less than a second', () => {
    const [one, two] = [open(), open()];
    const old = one.addTenant('acme');
    expect(two.find(old.admin)).toBeDefined();
    one.reissue('acme');
    const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now() + 999);
    expect(two.find(old.admin)).toBeUndefined();
    clock.mockRestore();
  });

  it('reissues no keys of the installation or of an unknown tenant', () => {
    expect(() => open().reissue('default')).toThrow(/installation/);
    expect(() => open().reissue('absent')).toThrow(/no keys yet/);
  });

  it('takes over the lock of a dead gateway and leaves no file', () => {
    writeFileSync(file('tenants.json.lock'), 'dead');
    utimesSync(file('tenants.json.lock'), new Date(0), new Date(0));
    open().addTenant('acme');
    expect(readdirSync(dir).sort()).toEqual(['credentials.json', 'tenants.json']);
  });

  it('changes nothing while another process holds the lock', () => {
    writeFileSync(file('tenants.json.lock'), 'alive');
    expect(() => open().addTenant('acme')).toThrow(/another gateway/);
    expect(readdirSync(dir).sort()).toEqual(['credentials.json', 'tenants.json.lock']);
  });

  it('loses no keys when several processes add tenants concurrently', async () => {
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
