import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { registeredIdentity, sealingContext, type StoredMcpServer } from '@bailiwick/contracts/mcp/mcp-server';
import { Sealer } from '@bailiwick/edge/sealing/sealing';
import { makeLogger } from '@bailiwick/platform/logging';
import type { RegisteredServer } from '../upstream/connect';
import { Secrets } from './secrets';
import { Servers } from './servers';

const logger = makeLogger('test', 'silent');
const server = (url: string): StoredMcpServer => ({ upstream: { url } });

describe('Servers', () => {
  let dir: string;
  let file: string;
  const all: Servers[] = [];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'bailiwick-servers-'));
    file = join(dir, 'mcp.json');
  });
  afterEach(async () => {
    await Promise.all(all.splice(0).map((each) => each.close()));
    rmSync(dir, { recursive: true, force: true });
  });

  function servers(registered: Map<string, StoredMcpServer>) {
    const connected: RegisteredServer[] = [];
    const made = new Servers(
      file,
      { find: async (tenant, name) => registered.get(`${tenant}/${name}`) },
      (each) => {
        connected.push(each);
        throw new Error('not reached');
      },
      logger,
    );
    all.push(made);
    return { servers: made, connected };
  }

  it('finds a registered server for its own tenant alone, and none that was removed', async () => {
    const registered = new Map([['acme/mail', server('https://one.example/')]]);
    const { servers: own } = servers(registered);
    const [found, again] = [await own.find('acme', 'mail'), await own.find('acme', 'mail')];
    expect(found?.name).toBe('mail');
    expect(again).toBe(found);
    expect(await own.find('default', 'mail')).toBeUndefined();
    registered.clear();
    expect(await own.find('acme', 'mail')).toBeUndefined();
  });

  it('is another server, without its connection, once its address or its credentials are replaced', async () => {
    const registered = new Map([['acme/mail', server('https://one.example/')]]);
    const { servers: own } = servers(registered);
    const first = await own.find('acme', 'mail');
    registered.set('acme/mail', server('https://two.example/'));
    const second = await own.find('acme', 'mail');
    expect(second).not.toBe(first);
    expect(second?.identity).not.toBe(first?.identity); // so that what was approved does not count
    await expect(first?.tools()).rejects.toThrow('no longer registered');
    registered.set('acme/mail', {
      ...server('https://two.example/'),
      credentials: { headers: { a: { secret: 'b' } } },
    });
    const third = await own.find('acme', 'mail');
    expect([third === second, third?.identity]).toEqual([false, second?.identity]);
  });

  it('prefers the server that the operator states in mcp.json, for its tenant', async () => {
    writeFileSync(
      file,
      JSON.stringify({ servers: { mail: { tenant: 'acme', upstream: { url: 'https://file.example/' } } } }),
    );
    const registered = new Map([
      ['acme/mail', server('https://one.example/')],
      ['default/mail', server('https://two.example/')],
    ]);
    const { servers: own, connected } = servers(registered);
    for (const tenant of ['acme', 'default']) await (await own.find(tenant, 'mail'))?.tools().catch(() => undefined);
    expect(connected.map(({ source, config }) => [source, config.upstream])).toEqual([
      ['file', { url: 'https://file.example/' }],
      ['api', { url: 'https://two.example/' }],
    ]);
    expect(own.listed('acme').map(({ name }) => name)).toEqual(['mail']);
    expect(own.listed('default')).toEqual([]);
  });
});

describe('Secrets', () => {
  let dir: string;
  let secrets: Secrets;
  let sealer: Sealer;
  const identity = registeredIdentity(server('https://one.example/'));
  const owner = { tenant: 'acme', name: 'mail', identity };
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'bailiwick-secrets-'));
    const files = { mcpSecrets: join(dir, 'mcp-secrets.json'), upstreamKey: join(dir, 'upstream.pem') };
    const { privateKey, publicKey } = generateKeyPairSync('x25519');
    writeFileSync(files.upstreamKey, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    writeFileSync(files.mcpSecrets, '{ "acme": { "token": "hunter2" }, "other": { "theirs": "secret" } }', {
      mode: 0o600,
    });
    sealer = new Sealer(publicKey.export({ type: 'spki', format: 'pem' }).toString());
    secrets = new Secrets(files);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('reads a reference from the secrets of the tenant, and none of another', () => {
    expect(secrets.resolve({ secret: 'token' }, owner, 'authorization')).toBe('hunter2');
    for (const secret of ['theirs', 'absent', 'constructor', '__proto__'])
      expect(() => secrets.resolve({ secret }, owner, 'authorization')).toThrow(`no secret ${secret}`);
  });

  it('opens an encrypted secret for its own tenant, server, address and header alone', () => {
    const sealed = sealer.seal('hunter2', sealingContext('acme', 'mail', identity, 'Authorization'));
    expect(secrets.resolve({ sealed }, owner, 'authorization')).toBe('hunter2');
    for (const other of [
      { ...owner, tenant: 'other' },
      { ...owner, name: 'files' },
      { ...owner, identity: registeredIdentity(server('https://two.example/')) },
    ])
      expect(() => secrets.resolve({ sealed }, other, 'authorization')).toThrow('register the server again');
    expect(() => secrets.resolve({ sealed }, owner, 'x-other')).toThrow('register the server again');
  });

  it('reads no file that others may read', () => {
    const file = join(dir, 'mcp-secrets.json');
    chmodSync(file, 0o644);
    expect(() => secrets.resolve({ secret: 'token' }, owner, 'authorization')).toThrow('chmod 600');
    chmodSync(file, 0o600);
  });
});
