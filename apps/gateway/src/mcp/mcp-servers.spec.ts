import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { registeredIdentity, sealingContext, type StoredMcpServer } from '@bailiwick/contracts/mcp/mcp-server';
import { Opener } from '@bailiwick/edge/sealing/sealing';
import type { RequestContext } from '../http/request-context';
import { LogClient } from '../log-client/log-client';
import { busThat, type BusReply } from '../testing/bus';
import { McpServersController } from './mcp-servers.controller';
import { Registration } from './registration';

const URL_ = 'https://mcp.example.com/mcp?key=1';

describe('McpServersController', () => {
  let dir: string;
  let opener: Opener;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'bailiwick-registration-'));
    const { privateKey, publicKey } = generateKeyPairSync('x25519');
    opener = new Opener(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    writeFileSync(join(dir, 'upstream.pub.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  /** A gateway whose boundary lists the stated servers of its file, and whose delegation service stores registrations. */
  function gateway({ inFile = [] as string[] | null, commands = false, networks = [] as string[] } = {}) {
    const stored = new Map<string, StoredMcpServer>();
    const failing = new Set<string>();
    const { bus, sent } = busThat((subject, body): BusReply => {
      const { tenant, server, config } = body as { tenant: string; server: string; config: StoredMcpServer };
      const ok = (value: unknown): BusReply => ({ value: { ok: true, value } });
      if (failing.has(subject)) return { value: { ok: false, refusal: { code: 'NOT_READY', detail: 'no' } } };
      if (subject === 'bailiwick.boundary.servers') {
        if (!inFile) return { fails: 'NO_RESPONDERS' };
        return ok({
          items: tenant === 'default' ? inFile.map((name) => ({ name, upstream: { command: 'x', args: 0 } })) : [],
        });
      }
      if (subject === 'bailiwick.admin.mcp-servers')
        return ok({
          items: [...stored].flatMap(([key, { upstream }]) =>
            key.startsWith(`${tenant}/`) ? [{ name: key.slice(tenant.length + 1), upstream }] : [],
          ),
        });
      if (subject === 'bailiwick.admin.mcp-register') stored.set(`${tenant}/${server}`, config);
      if (subject === 'bailiwick.admin.mcp-remove') stored.delete(`${tenant}/${server}`);
      return ok({});
    });
    const files = { mcp: join(dir, 'mcp.json'), upstreamPublicKey: join(dir, 'upstream.pub.pem') };
    const registration = new Registration({ files, upstreams: { commands, networks } } as never);
    const logClient = Object.assign(new LogClient(bus), {
      command: async (command: object) => {
        sent.push(['the owner of the log', command]);
        if (failing.has('the owner of the log')) throw new Error('no owner');
        return { position: 7 };
      },
    });
    const controller = new McpServersController(logClient, registration);
    const as = (tenant = 'default'): RequestContext =>
      ({
        caller: { kind: 'key', tenant, actor: { kind: 'service', id: 'key:admin' } },
        command: (type: string, log: string, fields: object) => ({ type, log, commandId: 'c', ...fields }),
      }) as unknown as RequestContext;
    return { controller, sent, stored, failing, as };
  }

  it('records a registration, stores it with its secrets encrypted for its address, and shows none of them', async () => {
    const { controller, sent, stored, as } = gateway();
    const body = {
      upstream: { url: URL_ },
      credentials: { headers: { Authorization: 'Bearer hunter2', 'x-team': { secret: 'team' } } },
    };
    const answer = await controller.register(as(), { name: 'mail' }, body);
    const identity = registeredIdentity(body);
    const upstream = { url: 'https://mcp.example.com/mcp?key=%E2%80%A6' };
    expect(answer).toEqual({ name: 'mail', source: 'api', upstream, identity, position: 7 });
    const changes = sent.filter(([, message]) => (message as { type?: string }).type === 'recordMcpServer');
    expect(changes).toMatchObject([[expect.anything(), { server: 'mail', change: 'registered', identity }]]);
    expect(JSON.stringify(sent)).not.toContain('hunter2');
    const headers = stored.get('default/mail')?.credentials?.headers ?? {};
    expect(headers['x-team']).toEqual({ secret: 'team' });
    const { sealed } = headers.Authorization as { sealed: string };
    const context = sealingContext('default', 'mail', identity, 'authorization');
    expect(opener.open(sealed, context)).toBe('Bearer hunter2');
    expect(existsSync(join(dir, 'mcp.json'))).toBe(true);
  });

  it.each(['register', 'remove'] as const)(
    'stores no change that is not recorded, and one that a crash kept from being stored when it is repeated: %s',
    async (how) => {
      const { controller, as, sent, stored, failing } = gateway();
      const before = await controller.register(as(), { name: 'mail' }, { upstream: { url: URL_ } });
      const change = (): Promise<unknown> =>
        how === 'remove'
          ? controller.remove(as(), { name: 'mail' })
          : controller.register(as(), { name: 'mail' }, { upstream: { url: 'https://other.example/' } });
      const identityNow = (): string | undefined => {
        const config = stored.get('default/mail');
        return config && registeredIdentity(config);
      };
      const order = (): string[] =>
        sent.flatMap(([subject]) => (/the owner|mcp-re[gm]/.test(subject) ? [subject.split('.').at(-1) ?? ''] : []));
      failing.add('the owner of the log');
      sent.splice(0);
      await expect(change()).rejects.toThrow();
      expect([order(), identityNow()]).toEqual([['the owner of the log'], before.identity]);
      failing.clear();
      // the process dies, or the store fails, after the record
      failing.add(`bailiwick.admin.mcp-${how}`);
      sent.splice(0);
      await expect(change()).rejects.toThrow();
      expect(order().slice(0, 2)).toEqual(['the owner of the log', `mcp-${how}`]);
      expect(identityNow()).toBe(before.identity);
      failing.clear();
      await change();
      expect(identityNow()).not.toBe(before.identity);
      expect(stored.has('default/mail')).toBe(how === 'register');
    },
  );

  it.each([
    'http://127.0.0.1:3000/mcp',
    'http://localhost/mcp',
    'http://[::1]/mcp',
    'http://169.254.169.254/latest/meta-data',
    'http://10.0.0.7/mcp',
    'http://0x7f.1/mcp',
  ])('refuses the address %s, before anything is recorded, unless its network is allowed', async (url) => {
    const { controller, sent, as } = gateway();
    const registered = controller.register(as(), { name: 'mail' }, { upstream: { url } });
    await expect(registered).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(sent).toEqual([]);
    const allowing = gateway({ networks: ['127.0.0.0/8', '::1', '169.254.0.0/16', '10.0.0.7'] });
    await allowing.controller.register(allowing.as(), { name: 'mail' }, { upstream: { url } });
    expect(allowing.stored.size).toBe(1);
  });

  it('refuses a command unless the installation admits commands', async () => {
    const body = { upstream: { command: 'sh', args: ['-c', 'id'] } };
    const { controller, sent, as } = gateway();
    await expect(controller.register(as(), { name: 'run' }, body)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(sent).toEqual([]);
    const admitting = gateway({ commands: true });
    const { upstream } = await admitting.controller.register(admitting.as(), { name: 'run' }, body);
    expect(upstream).toEqual({ command: 'sh', args: 2 });
  });

  it('keeps the servers of tenants apart, and those of mcp.json unchanged', async () => {
    const { controller, stored, as } = gateway({ inFile: ['files'] });
    const body = { upstream: { url: URL_ } };
    await controller.register(as('acme'), { name: 'files' }, body);
    await expect(controller.register(as(), { name: 'files' }, body)).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(controller.remove(as(), { name: 'files' })).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(controller.remove(as('other'), { name: 'files' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await controller.list(as())).items).toMatchObject([{ name: 'files', source: 'file' }]);
    expect((await controller.list(as('acme'))).items).toMatchObject([{ name: 'files', source: 'api' }]);
    expect(await controller.remove(as('acme'), { name: 'files' })).toEqual({ name: 'files', position: 7 });
    expect(stored.size).toBe(0);
  });

  it('registers servers before the boundary runs, which then starts', async () => {
    rmSync(join(dir, 'mcp.json'), { force: true });
    const { controller, as } = gateway({ inFile: null });
    await controller.register(as(), { name: 'mail' }, { upstream: { url: URL_ } });
    expect(await controller.list(as())).toMatchObject({ items: [{ name: 'mail' }], boundary: false });
    expect(existsSync(join(dir, 'mcp.json'))).toBe(true);
  });
});
