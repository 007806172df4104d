import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { BUILT_FLAGS } from '@bailiwick/platform/built';
import { BailiwickClient } from '@bailiwick/client/client';
import { findNatsServer, startNats } from '@bailiwick/platform/local-servers/nats';
import { freePort } from '@bailiwick/platform/local-servers/ports';
import { startPostgres } from '@bailiwick/platform/local-servers/postgres';
import { witnessKey } from '@bailiwick/transparency-log/cosignature';
import { seededKey } from '@bailiwick/transparency-log/testing/keys';
import { bailiwick } from '../support/cli';
import { scratch } from '../support/servers';
import { http, Stack, until } from '../support/stack';
import { open, read } from './leases';

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // a zombie counts as dead: its parent has only not reaped it
  const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '';
  return !/\) Z /.test(stat);
};
const pidsOf = (stack: Stack): number[] => {
  const { services, postgres, nats } = stack.status();
  return [...services.map((service) => service.pid), postgres.pid, nats.pid];
};

describe('the system', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start();
  }, 120_000);
  afterAll(() => stack.stop());

  it('stores its keys with access for the owner only', () => {
    for (const file of ['credentials.json', 'secrets.json', 'keys/log.pem', 'keys/token.pem', 'keys/pseudonym.key']) {
      expect([file, (statSync(join(stack.dataDir, file)).mode & 0o777).toString(8)]).toEqual([file, '600']);
    }
  });

  it('runs the ledger and the monitor in one process', () => {
    const pidOf = (name: string): number | undefined =>
      stack.status().services.find((service) => service.name === name)?.pid;
    expect(pidOf('ledger')).toBe(pidOf('intent'));
    expect(new Set(stack.status().services.map(({ pid }) => pid)).size).toBe(3);
  });

  it('restarts killed services and loses no acknowledged command', async () => {
    const { grant } = await open(stack.as('orchestrator'));
    expect((await stack.as('enforcer').act(read(grant.id))).decision).toBe('permit');
    for (const name of ['delegation', 'ledger', 'intent', 'gateway']) {
      const before = stack.status().services.find((service) => service.name === name)?.pid as number;
      process.kill(before, 'SIGKILL');
      await until(`${name} to run again`, () => {
        const now = stack.status().services.find((service) => service.name === name);
        return now?.state === 'running' && now.pid !== before;
      });
      await until(
        'everything to answer',
        async () => (await http(stack, 'GET', '/readyz').catch(() => undefined))?.status === 200,
      );
    }
    expect((await stack.as('analyst').grant(grant.id)).consumed.calls).toBe(1);
    expect((await stack.as('enforcer').act(read(grant.id))).decision).toBe('permit');
  }, 60_000);

  it('leaves no process behind on Ctrl-C and restarts with its data', async () => {
    const { grant, run } = await open(stack.as('orchestrator'));
    await stack.as('enforcer').act(read(grant.id));
    const pids = pidsOf(stack);
    expect(await stack.down('SIGINT')).toBe(0);
    expect(pids.filter(alive)).toEqual([]);
    await stack.up();
    expect((await stack.as('analyst').run(run.id)).status).toBe('active');
    expect((await stack.as('analyst').grant(grant.id)).consumed.calls).toBe(1);
    const verified = await bailiwick(['--data', stack.dataDir, 'log', 'verify']);
    expect(verified.code).toBe(0);
  }, 60_000);

  it('recovers from SIGKILL: the next start cleans up and loses nothing', async () => {
    const { grant } = await open(stack.as('orchestrator'));
    await stack.as('enforcer').act(read(grant.id));
    const { services } = stack.status();
    await stack.down('SIGKILL');
    await until('the services to notice', () => services.every((service) => !alive(service.pid)));
    await stack.up();
    expect((await stack.as('analyst').grant(grant.id)).consumed.calls).toBe(1);
  }, 60_000);

  it('refuses to run twice over one folder, or on a port in use', async () => {
    const twice = await bailiwick(['up', '--data', stack.dataDir, '--port', String(await freePort())]);
    expect([twice.code, twice.err]).toEqual([1, expect.stringContaining('already running on')]);
    const other = scratch();
    const taken = await bailiwick(['up', '--data', other, '--port', String(stack.port)]);
    expect([taken.code, taken.err]).toEqual([1, expect.stringContaining('is taken')]);
    rmSync(other, { recursive: true, force: true });
  });
});

/** Starts a witness that refuses every request and records the requested paths. */
async function asked(stops: (() => Promise<unknown>)[]): Promise<{ url: string; paths: string[] }> {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url ?? '');
    request.resume();
    response.writeHead(403).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  stops.push(() => once(server.close(), 'close'));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, paths };
}

/** Does what docker-compose.yml does, without containers: every part sees only its own folder. */
describe('an installation of several parts', () => {
  const dir = scratch();
  const parts: ChildProcess[] = [];
  const stops: (() => Promise<unknown>)[] = [];
  afterAll(async () => {
    for (const part of parts.reverse()) {
      part.kill('SIGTERM');
      await until('a part to stop', () => part.exitCode !== null || part.signalCode !== null);
    }
    for (const stop of stops.reverse()) await stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('starts from the files that `setup` writes, against separate servers', async () => {
    mkdirSync(join(dir, 'servers'), { mode: 0o755 });
    const postgres = await startPostgres({ dataDir: join(dir, 'servers'), durable: false });
    stops.push(() => postgres.stop());
    const natsPort = await freePort();
    const out = join(dir, 'parts');
    const port = await freePort();
    const at = new URL(postgres.url);
    const setUp = async (): Promise<void> => {
      const made = await bailiwick([
        'setup',
        '--out',
        out,
        '--postgres',
        at.host,
        '--nats',
        `127.0.0.1:${natsPort}`,
        '--public-url',
        `http://127.0.0.1:${port}`,
      ]);
      expect([made.code, made.err]).toEqual([0, '']);
    };
    await setUp();
    const credentials = readFileSync(join(out, 'gateway', 'credentials.json'), 'utf8');
    // a second setup keeps the existing keys and applies changes made in `state`, so that no client is locked out
    const rotated = await bailiwick(['--data', join(out, 'state'), 'log', 'rotate-key']);
    expect([rotated.code, rotated.err]).toEqual([0, '']);
    const witness = await asked(stops);
    writeFileSync(
      join(out, 'state', 'witnesses.json'),
      JSON.stringify({ witnesses: [{ vkey: witnessKey('witness.test', seededKey(5)), url: witness.url }] }),
    );
    await setUp();
    expect(readFileSync(join(out, 'gateway', 'credentials.json'), 'utf8')).toBe(credentials);
    const secrets = JSON.parse(readFileSync(join(out, 'migrate', 'secrets.json'), 'utf8')) as {
      nats: Record<string, string>;
    };
    const binary =
      process.env.BAILIWICK_TEST_NATS_SERVER ?? findNatsServer(join(dir, 'cache'), process.env.BAILIWICK_NATS_SERVER);
    const nats = await startNats({ binary, dataDir: join(dir, 'servers'), users: secrets.nats, port: natsPort });
    stops.push(() => nats.stop());
    const migrated = await bailiwick(['migrate', '--secrets', join(out, 'migrate')], {
      BAILIWICK_DATABASE_URL: postgres.url,
    });
    expect([migrated.code, migrated.err]).toEqual([0, '']);
    const app = (name: string): string => resolve(__dirname, '..', '..', 'apps', name, 'dist', 'main.js');
    for (const name of ['delegation', 'ledger', 'intent', 'gateway']) {
      const env = {
        PATH: process.env.PATH,
        BAILIWICK_DATA: join(out, name),
        BAILIWICK_PORT: String(port),
        BAILIWICK_HOST: '127.0.0.1',
      };
      parts.push(
        spawn(process.execPath, [...BUILT_FLAGS, `--env-file=${join(out, name, 'env')}`, app(name)], {
          env,
          stdio: 'ignore',
        }),
      );
    }
    const ready = async (): Promise<boolean> =>
      (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined))?.status === 200;
    await until('all four to answer', ready, 30_000);
    const folders = ['delegation', 'intent', 'ledger', 'gateway'].map(
      (name) => spawnSync('ls', ['-R', join(out, name)], { encoding: 'utf8' }).stdout,
    );
    const having = (file: string): boolean[] => folders.map((listing) => listing.includes(file));
    for (const file of ['log.pem', 'log.handovers', 'witnesses.json'])
      expect([file, having(file)]).toEqual([file, [false, false, true, false]]);
    expect(having('token.pem')).toEqual([false, false, false, true]);
    const keys = (await (await fetch(`http://127.0.0.1:${port}/log/default/0/vkeys`)).json()) as Record<
      string,
      string[]
    >;
    expect(keys.handovers).toEqual([expect.stringContaining('bailiwick log key')]);
    const { orchestrator } = (JSON.parse(credentials) as { keys: Record<string, string> }).keys;
    await open(new BailiwickClient({ url: `http://127.0.0.1:${port}`, key: orchestrator as string }));
    await until('the witness to be shown a checkpoint', () => witness.paths.includes('/add-checkpoint'));
  }, 90_000);
});
