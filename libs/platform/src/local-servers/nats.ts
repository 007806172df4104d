import { LIMITS } from '@bailiwick/core/limits';
import { consumerName, EVENTS_USER } from '@bailiwick/messaging/subjects';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, closeSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join, resolve } from 'node:path';
import { changeFile } from '../change-file';
import { freePort, isFree } from './ports';
import { endOf, isProcess, stopChild, waitFor, type RunningServer } from './child';
import {
  EVENTS_PERMISSIONS,
  NATS_PERMISSIONS,
  subscriberPermissions,
  type Permissions,
  type Subscriber,
} from './nats-permissions';

export type RunningNats = RunningServer;

const START_MS = 20_000;
const STOP_MS = 10_000;

/**
 * Starts a nats-server with JetStream over `dataDir`/nats: loopback only, one user per service, each with separate
 * permissions.
 * @param users service → password
 */
export async function startNats(options: {
  binary: string;
  dataDir: string;
  users: Readonly<Record<string, string>>;
  subscribers?: readonly Subscriber[];
  port?: number;
  /** cancels the start and leaves nothing running */
  signal?: AbortSignal;
}): Promise<RunningNats> {
  const dir = join(resolve(options.dataDir), 'nats');
  mkdirSync(join(dir, 'store'), { recursive: true, mode: 0o700 });
  await stopLeftover(join(dir, 'nats.pid'));
  const port = await choosePort(options.dataDir, options.port);
  const config = join(dir, 'nats.conf');
  writeFileSync(config, natsConfig({ host: '127.0.0.1', port, dir }, options.users, options.subscribers), {
    mode: 0o600,
  });
  const log = openSync(join(dir, 'server.log'), 'a', 0o600);
  const child = spawn(options.binary, ['-c', config], { stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  const ended = endOf(child);
  let failed: string | undefined;
  child.once('error', (error) => (failed = error.message));
  try {
    await waitFor('nats-server to accept connections', START_MS, () => {
      options.signal?.throwIfAborted();
      if (failed !== undefined || child.exitCode !== null || child.signalCode !== null)
        throw new Error(`nats-server did not start: ${failed ?? lastLines(join(dir, 'server.log'))}`);
      return greets(port);
    });
  } catch (error) {
    await stopChild(child, 'SIGTERM', STOP_MS);
    throw error;
  }
  return {
    url: `nats://127.0.0.1:${port}`,
    pid: child.pid as number,
    port,
    ended,
    stop: () => stopChild(child, 'SIGTERM', STOP_MS),
  };
}

/**
 * Gives a running server of `startNats` other users, without a restart: established connections stay, but those of
 * removed users are closed.
 * @throws Error if no server runs over the folder
 */
export function reloadNats(options: {
  dataDir: string;
  users: Readonly<Record<string, string>>;
  /** read under the lock of the configuration, so that of two reloads the later one has every user */
  subscribers: () => readonly Subscriber[];
}): void {
  const dir = join(resolve(options.dataDir), 'nats');
  const pid = existsSync(join(dir, 'nats.pid')) ? Number(readFileSync(join(dir, 'nats.pid'), 'utf8')) : 0;
  if (!(pid > 1) || !isProcess(pid, 'nats-server')) throw new Error(`no nats-server is running over ${dir}`);
  const port = Number(/^port: (\d+)$/m.exec(readFileSync(join(dir, 'nats.conf'), 'utf8'))?.[1]);
  changeFile(join(dir, 'nats.conf'), () =>
    natsConfig({ host: '127.0.0.1', port, dir }, options.users, options.subscribers()),
  );
  process.kill(pid, 'SIGHUP');
}

/** Messages of one reply: a part for each command at most, one without answers, and the last. */
const REPLIES = LIMITS.commandsPerMessage + 2;

/** One server of a cluster, and its peers. */
export interface NatsCluster {
  readonly server: string;
  /** that this server listens on for its peers */
  readonly port: number;
  readonly password: string;
  /** `host:port` of each server of the cluster */
  readonly peers: readonly string[];
}

export interface NatsServerOptions {
  readonly host: string;
  readonly port: number;
  readonly dir: string;
  readonly cluster?: NatsCluster;
}

/**
 * The server's configuration. Services and subscribers have separate accounts, so that no message of a subscriber can
 * reach a service; the event stream belongs to the account of the subscribers.
 * @param users user → password; a user without an entry in the permissions is an operator and may do everything
 */
export function natsConfig(
  at: NatsServerOptions,
  users: Readonly<Record<string, string>>,
  subscribers: readonly Subscriber[] = [],
): string {
  const { host, port, dir, cluster } = at;
  const { [EVENTS_USER]: publisher, ...services } = users;
  const ofServices = Object.entries(services).map(([user, password]) =>
    userLine(user, password, NATS_PERMISSIONS[user], REPLIES),
  );
  const ofEvents = [
    ...(publisher === undefined ? [] : [userLine(EVENTS_USER, publisher, EVENTS_PERMISSIONS)]),
    ...subscribers.map((each) => userLine(consumerName(each), each.password, subscriberPermissions(each))),
  ];
  return [
    `host: ${JSON.stringify(host)}`,
    `port: ${port}`,
    `pid_file: ${JSON.stringify(join(dir, 'nats.pid'))}`,
    'max_payload: 8MB',
    ...(cluster ? [clusterConfig(cluster)] : []),
    `jetstream { store_dir: ${JSON.stringify(join(dir, 'store'))}, max_memory_store: 1MB, max_file_store: ${FILE_STORE} }`,
    'accounts {',
    '  SERVICES { users = [',
    ofServices.join('\n'),
    '  ] }',
    '  EVENTS { jetstream: enabled, users = [',
    ofEvents.join('\n'),
    '  ] }',
    '}\n',
  ].join('\n');
}

/** Room for the event stream (`BUS_LIMITS.eventStreamBytes`) and what its files take in addition. */
const FILE_STORE = '256MB';

function userLine(user: string, password: string, permissions: Permissions | undefined, replies?: number): string {
  const responses = replies === undefined ? '' : `, allow_responses: { max: ${replies}, expires: "1m" }`;
  const allowed = permissions
    ? `, permissions: { publish: ${JSON.stringify(permissions.publish)}, subscribe: ${JSON.stringify(permissions.subscribe)}${responses} }`
    : '';
  return `    { user: ${JSON.stringify(user)}, password: ${JSON.stringify(password)}${allowed} }`;
}

function clusterConfig({ server, port, password, peers }: NatsCluster): string {
  const routes = peers.map((peer) => `nats-route://route:${password}@${peer}`);
  return [
    `server_name: ${JSON.stringify(server)}`,
    `cluster { name: bailiwick, listen: "0.0.0.0:${port}"`,
    `  authorization { user: route, password: ${JSON.stringify(password)}, timeout: 5 }`,
    `  routes = ${JSON.stringify(routes)}`,
    '}',
  ].join('\n');
}

const lastLines = (file: string): string =>
  existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').slice(-4).join(' | ') : 'no log';

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const done = (value: boolean): void => {
      socket.destroy();
      resolve(value);
    };
    socket.setTimeout(1_000, () => done(false));
    socket.once('error', () => done(false));
    socket.once('data', (data) => done(data.toString().startsWith('INFO')));
  });
}

async function stopLeftover(file: string): Promise<void> {
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8'));
  if (Number.isInteger(pid) && pid > 1 && isProcess(pid, 'nats-server')) {
    process.kill(pid, 'SIGTERM');
    await waitFor('a nats-server of an earlier start to stop', 10_000, () => !isProcess(pid, 'nats-server'));
  }
  rmSync(file, { force: true });
}

async function choosePort(dataDir: string, wanted: number | undefined): Promise<number> {
  if (wanted !== undefined) return wanted;
  const file = join(dataDir, 'nats-port');
  const last = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  const port = last > 0 && (await isFree(last)) ? last : await freePort();
  writeFileSync(file, String(port));
  return port;
}

// ---- finding the server ----------------------------------------------------------------------------------------

/**
 * Finds the nats-server to run: the named one, the one on the PATH, one unpacked here before, or one from the package
 * manager. If the user may not install packages, Debian's package is downloaded and unpacked into the data folder.
 * @param cacheDir where an unpacked package is kept
 * @throws with the command to run if all of this fails
 */
export function findNatsServer(
  cacheDir: string,
  named: string | undefined,
  report: (line: string) => void = () => undefined,
): string {
  if (named !== undefined && named !== '') {
    if (runs(named)) return named;
    throw new Error(`BAILIWICK_NATS_SERVER names ${named}, which is not a nats-server that runs on this machine`);
  }
  const known = onPath() ?? unpacked(cacheDir);
  if (known) return known;
  report('nats-server was not found; trying the package manager');
  const found = process.getuid?.() === 0 ? installed() : (fetched(cacheDir) ?? brewed());
  if (found) return found;
  throw new Error(
    'nats-server is missing, and the package manager could not provide it. Install it (Debian: apt-get install nats-server; macOS: brew install nats-server), or name one in BAILIWICK_NATS_SERVER',
  );
}

const runs = (binary: string): boolean => spawnSync(binary, ['--version'], { stdio: 'ignore' }).status === 0;

function onPath(): string | undefined {
  const dirs = [
    ...(process.env.PATH ?? '').split(delimiter),
    ...(process.env.BAILIWICK_STRICT_PATH
      ? []
      : ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin']),
  ];
  return dirs.map((dir) => join(dir, 'nats-server')).find((file) => existsSync(file) && runs(file));
}

function unpacked(cacheDir: string): string | undefined {
  const file = join(resolve(cacheDir), 'nats-server', 'usr', 'sbin', 'nats-server');
  return existsSync(file) && runs(file) ? file : undefined;
}

const quietly = (command: string, args: readonly string[], cwd?: string): boolean =>
  spawnSync(command, args, {
    stdio: 'ignore',
    ...(cwd ? { cwd } : {}),
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  }).status === 0;

function installed(): string | undefined {
  const install = (): boolean => quietly('apt-get', ['install', '-y', '--no-install-recommends', 'nats-server']);
  if (!install() && quietly('apt-get', ['update'])) install();
  return onPath() ?? ['/usr/sbin/nats-server'].find(runs) ?? brewed();
}

/** Downloads Debian's package with apt's checks and unpacks it without root, with separate package lists if needed. */
function fetched(cacheDir: string): string | undefined {
  const dir = resolve(cacheDir);
  mkdirSync(join(dir, 'apt', 'lists', 'partial'), { recursive: true });
  mkdirSync(join(dir, 'apt', 'cache', 'archives', 'partial'), { recursive: true });
  const own = [
    '-o',
    `Dir::State::lists=${join(dir, 'apt', 'lists')}`,
    '-o',
    `Dir::Cache=${join(dir, 'apt', 'cache')}`,
    '-o',
    'APT::Sandbox::User=',
  ];
  const download = (options: readonly string[]): boolean =>
    quietly('apt-get', [...options, 'download', 'nats-server'], join(dir, 'apt'));
  if (!download([]) && quietly('apt-get', [...own, 'update'])) download(own);
  const deb = readdirSync(join(dir, 'apt')).find((name) => /^nats-server_.*\.deb$/.test(name));
  if (!deb || !quietly('dpkg-deb', ['-x', join(dir, 'apt', deb), join(dir, 'nats-server')])) return undefined;
  return unpacked(cacheDir);
}

function brewed(): string | undefined {
  return quietly('brew', ['install', 'nats-server']) ? onPath() : undefined;
}
