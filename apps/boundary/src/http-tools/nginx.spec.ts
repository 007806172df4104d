import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { CatalogEntry } from '@bailiwick/contracts/policy/catalog-entry';
import { PERMIT, PlainWorld } from '../plain/testing/plain-world';

const NGINX = process.env.NGINX_BINARY ?? 'nginx';
const hasNginx = spawnSync(NGINX, ['-v']).status === 0;
const page = readFileSync(resolve(__dirname, '../../../../docs/http-tools.md'), 'utf8');
const CATALOG: CatalogEntry[] = [
  { tools: ['http__crm__GET /customers/:id'], verb: 'crm.read', effects: ['read'], risk: 'low' },
  { tools: ['http__crm__POST /notes'], verb: 'crm.note', effects: ['write'], risk: 'low' },
];

/** The configuration of docs/http-tools.md, with addresses of the test, in a real NGINX. */
(hasNginx ? describe : describe.skip)(hasNginx ? 'NGINX' : 'NGINX, which is not installed here', () => {
  let world: PlainWorld;
  let server: ChildProcess;
  let port: number;
  const dir = mkdtempSync(join(tmpdir(), 'bailiwick-nginx-'));

  beforeAll(async () => {
    world = await new PlainWorld(CATALOG).start((upstream) => ({ apis: { crm: { upstream: { url: upstream } } } }));
    port = await freePort();
    const [, documented = ''] = /```nginx\n([^]*?)```/.exec(page) ?? [];
    const site = documented
      .replace('listen 443 ssl;', `listen 127.0.0.1:${port};`)
      .replace('http://127.0.0.1:8421/', `${world.url}/`)
      .replace('https://crm.internal', `http://127.0.0.1:${world.upstreamPort}`)
      .replace(/^\s*ssl_.*$/gm, '');
    mkdirSync(join(dir, 'tmp'));
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (each) => `${each}_temp_path tmp/${each};`,
    );
    const config = `daemon off; pid nginx.pid; error_log stderr error; events {}\nhttp { access_log off; ${temporary.join(' ')}\n${site}\n}`;
    writeFileSync(join(dir, 'nginx.conf'), config);
    server = spawn(NGINX, ['-p', dir, '-c', join(dir, 'nginx.conf'), '-e', 'stderr'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    for (let i = 0; i < 200 && !(await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined)); i++)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }, 30_000);
  afterAll(async () => {
    server.kill();
    await world.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  beforeEach(() => world.forget());

  const call = (method: string, path: string, headers: Record<string, string> = {}, body?: string) =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { authorization: 'Bearer of-run', ...headers },
      ...(body === undefined ? {} : { body }),
    });

  it('passes on a permitted request with the credential of the API', async () => {
    expect((await call('GET', '/customers/7?full=1')).status).toBe(200);
    expect(world.asked[0]?.action.tool).toBe('http__crm__GET /customers/:id');
    expect([world.received[0]?.url, world.received[0]?.headers.authorization]).toEqual([
      '/customers/7?full=1',
      'Bearer of-upstream',
    ]);
  });

  it.each<[string, string, string, Record<string, string>, number]>([
    ['an unknown route', 'GET', '/orders', {}, 403],
    ['another method', 'DELETE', '/customers/7', {}, 403],
    ['an encoded slash', 'GET', '/x/..%2fcustomers/7', {}, 403],
    [
      'headers that state another request',
      'DELETE',
      '/customers/7',
      { 'x-original-method': 'GET', 'x-original-uri': '/customers/7' },
      403,
    ],
    ['no token', 'GET', '/customers/7', { authorization: '' }, 401],
    ['a body of a method that has no body', 'POST', '/customers/7', {}, 403],
  ])('lets nothing pass with %s', async (_what, method, path, headers, status) => {
    expect([(await call(method, path, headers)).status, world.received]).toEqual([status, []]);
  });

  it('lets nothing pass that is denied', async () => {
    world.decide = () => ({ ok: true, value: { ...PERMIT, decision: 'deny' } });
    expect([(await call('POST', '/notes', {}, '{}')).status, world.received]).toEqual([403, []]);
  });
});

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });
}
