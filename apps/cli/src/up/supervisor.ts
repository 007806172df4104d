import { existsSync, openSync, readFileSync, rmSync, statSync, writeFileSync, closeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isProcess } from '@bailiwick/platform/local-servers/child';
import { joinedEnvironment } from '@bailiwick/platform/config';
import { findNatsServer, startNats } from '@bailiwick/platform/local-servers/nats';
import { startPostgres } from '@bailiwick/platform/local-servers/postgres';
import { freePort, isFree } from '@bailiwick/platform/local-servers/ports';
import type { Credentials } from '../context';
import {
  ensureCredentials,
  ensureSecrets,
  makeDataDir,
  eventsUser,
  natsUsers,
  SERVICES,
  type CoreService,
  type Secrets,
  type ServiceName,
} from './secrets';
import { writePrivate } from '../write-private';
import { prepareDatabase, programOf } from './migrate';
import { processesOf, readersApart } from './processes';
import { readSubscribers } from './subscribers';
import { Server } from './server';
import { Service, type ServiceState } from './service';

export interface UpOptions {
  readonly dataDir: string;
  readonly port: number;
  /** number of instances of the delegation service, which share the logs; default 1 */
  readonly delegations?: number;
  readonly logLine: (line: string) => void;
}
export interface Status {
  readonly url: string;
  readonly supervisor: number;
  /** where agents reach MCP servers, once servers are registered */
  readonly boundary?: string;
  /** services that share a process have the same `pid` */
  readonly services: { name: string; pid: number | undefined; state: string; restarts: number }[];
  readonly postgres: ServerStatus;
  readonly nats: ServerStatus;
}
/** `outside`: an external server, which the supervisor does not start */
export interface ServerStatus {
  readonly pid: number | undefined;
  readonly url: string;
  readonly state: ServiceState | 'outside';
  readonly restarts: number;
}

const serverState = (server: Server | undefined): Omit<ServerStatus, 'url'> => ({
  pid: server?.pid,
  state: server?.state ?? 'outside',
  restarts: server?.restarts ?? 0,
});
/** Returns the options to restart a server over its data on its port. @throws if another process uses the port */
async function restartOptions(port: number | undefined): Promise<{ port?: number; existing?: boolean }> {
  if (port === undefined) return {};
  if (!(await isFree(port))) throw new Error(`port ${port} is taken`);
  return { port, existing: true };
}
/** Settings of services that are taken from the environment of `up`. */
const SWITCHES = [
  'BAILIWICK_METRICS_ADDRESS',
  'BAILIWICK_FAST_PATH',
  'BAILIWICK_EVENT_STREAM',
  'BAILIWICK_DPOP_NONCE',
  'BAILIWICK_RESOURCES',
  'BAILIWICK_UPSTREAM_NETWORKS',
  'BAILIWICK_UPSTREAM_COMMANDS',
  'BAILIWICK_UPSTREAM_USER',
  'BAILIWICK_WEBHOOK_NETWORKS',
];
const switches = (): NodeJS.ProcessEnv =>
  Object.fromEntries(SWITCHES.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
/** How often the supervisor looks whether MCP servers are registered, ms. */
const REGISTERED_MS = 1_000;
const withoutPassword = (url: string): string => url.replace(/\/\/[^@]*@/, '//');

/** Runs the complete system on one machine: starts servers, schema and services in order, and stops them in reverse. */
export class Supervisor {
  private postgres: Server | undefined;
  private nats: Server | undefined;
  private stopping = false;
  private services: Service[] = [];
  private credentials: Credentials | undefined;
  private adminUrl = '';
  /** database URL with the role of each service, after the start */
  databaseUrls: Readonly<Partial<Record<ServiceName, string>>> = {};
  private natsUrl = '';
  private boundaryPort: number | undefined;
  private watch: NodeJS.Timeout | undefined;
  private registeredAt: number | undefined;
  private startingBoundary: Promise<void> | undefined;

  constructor(private readonly options: UpOptions) {}

  /** Starts everything. @throws a human-readable error, after stopping what was started */
  async start(): Promise<Credentials> {
    const { dataDir } = this.options;
    makeDataDir(dataDir);
    this.lock();
    try {
      return await this.startAll();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.stopping = true;
    clearInterval(this.watch);
    await this.startingBoundary?.catch(() => undefined);
    this.nats?.halt();
    this.postgres?.halt();
    for (const name of [...SERVICES].reverse()) {
      // all instances of a service at once, so that none takes over the logs that another releases
      const instances = this.services.filter(({ runs }) => runs.some((of) => of === name || of.startsWith(`${name}-`)));
      await Promise.all(instances.map((each) => each.stop()));
    }
    await this.nats?.stop();
    await this.postgres?.stop();
    rmSync(join(this.options.dataDir, 'run.json'), { force: true });
    rmSync(join(this.options.dataDir, 'lock'), { force: true });
  }

  private async startAll(): Promise<Credentials> {
    const { dataDir, port, logLine } = this.options;
    if (!(await isFree(port))) throw new Error(`port ${port} is taken; name another with --port or BAILIWICK_PORT`);
    const processes = processesOf(this.options.delegations ?? 1, readersApart(process.env.BAILIWICK_READERS));
    const secrets = ensureSecrets(dataDir);
    await this.startServers(secrets);
    const urls = await prepareDatabase(this.adminUrl, secrets.database);
    this.databaseUrls = urls;
    const url = `http://127.0.0.1:${port}`;
    this.credentials = ensureCredentials(dataDir, url);
    this.unlessStopping();
    // each needs only the servers: together they start in the time of the slowest, which matters after a crash
    for (const { name, program, runs } of processes) {
      const of = (service: CoreService): NodeJS.ProcessEnv => this.environment(service, urls[service], secrets, url);
      const [first, ...others] = runs;
      const environment =
        others.length === 0 ? of(first) : joinedEnvironment(Object.fromEntries(runs.map((each) => [each, of(each)])));
      const names = others.length === 0 ? [name] : runs;
      const logs = join(dataDir, 'logs');
      this.services.push(new Service(name, program, environment, logs, () => this.writeStatus(), names));
    }
    await Promise.all(this.services.map((service) => service.start()));
    this.watch = setInterval(() => void this.startBoundary(secrets, url), REGISTERED_MS);
    await this.startBoundary(secrets, url);
    logLine(`postgres, nats-server and ${this.services.flatMap(({ runs }) => runs).join(', ')} are running`);
    this.writeStatus();
    return this.credentials;
  }

  /**
   * Starts the boundary once MCP servers or HTTP APIs are registered. Whether it starts does not matter to the other services: a failure
   * is logged, and a change of the file tries again.
   */
  private async startBoundary(secrets: Secrets, url: string): Promise<void> {
    const changedAt = ['mcp.json', 'http.json']
      .map((file) => statSync(join(this.options.dataDir, file), { throwIfNoEntry: false })?.mtimeMs ?? 0)
      .reduce((one, other) => Math.max(one, other));
    if (changedAt === 0 || this.stopping || changedAt === this.registeredAt) return;
    this.registeredAt = changedAt;
    if (this.boundaryPort !== undefined && this.services.some(({ name }) => name === 'boundary')) return;
    this.startingBoundary = this.startedBoundary(secrets, url);
    await this.startingBoundary.catch((error: unknown) => this.options.logLine((error as Error).message));
  }

  private async startedBoundary(secrets: Secrets, url: string): Promise<void> {
    const { dataDir, port } = this.options;
    const asked = process.env.BAILIWICK_BOUNDARY_PORT;
    this.boundaryPort ??= asked !== undefined ? Number(asked) : (await isFree(port + 1)) ? port + 1 : await freePort();
    const environment = this.environment('boundary', '', secrets, url);
    const logs = join(dataDir, 'logs');
    const boundary = new Service('boundary', programOf('boundary', 'main'), environment, logs, () =>
      this.writeStatus(),
    );
    await boundary.start();
    this.services.push(boundary);
    this.writeStatus();
  }

  private async startServers(secrets: Secrets): Promise<void> {
    const { dataDir, logLine } = this.options;
    const outsideDatabase = process.env.BAILIWICK_DATABASE_URL;
    const outsideNats = process.env.BAILIWICK_NATS_URL;
    const changed = (): void => this.writeStatus();
    if (!outsideDatabase)
      this.postgres = new Server(
        'postgres',
        async (port, signal) => startPostgres({ dataDir, signal, ...(await restartOptions(port)) }),
        changed,
        logLine,
      );
    this.adminUrl = outsideDatabase ?? (await (this.postgres as Server).start());
    this.unlessStopping();
    if (!outsideNats) {
      const binary = findNatsServer(join(dataDir, 'cache'), process.env.BAILIWICK_NATS_SERVER, logLine);
      this.nats = new Server(
        'nats-server',
        async (port, signal) =>
          startNats({
            binary,
            dataDir,
            users: natsUsers(secrets),
            subscribers: readSubscribers(dataDir),
            signal,
            ...(await restartOptions(port)),
          }),
        changed,
        logLine,
      );
    }
    this.natsUrl = outsideNats ?? (await (this.nats as Server).start());
  }

  /** Stops a start that was interrupted by Ctrl-C. */
  private unlessStopping(): void {
    if (this.stopping) throw new Error('stopped during the start');
  }

  /** Returns the environment of a service: the URL with its role, its bus user, and no secret of another service. */
  private environment(name: ServiceName, databaseUrl: string, secrets: Secrets, url: string): NodeJS.ProcessEnv {
    const outside = process.env.BAILIWICK_NATS_URL !== undefined;
    return {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      BAILIWICK_LOG_LEVEL: process.env.BAILIWICK_LOG_LEVEL ?? 'info',
      ...switches(),
      BAILIWICK_DATA: resolve(this.options.dataDir),
      BAILIWICK_PORT: String(this.options.port),
      BAILIWICK_PUBLIC_URL: url,
      BAILIWICK_NATS_URL: this.natsUrl,
      ...(outside ? {} : { BAILIWICK_NATS_USER: name, BAILIWICK_NATS_PASSWORD: secrets.nats[name] }),
      ...(outside || name !== 'ledger' ? {} : eventsUser(secrets)),
      ...(name === 'gateway' || name === 'boundary' ? {} : { BAILIWICK_DATABASE_URL: databaseUrl }),
      ...(name === 'boundary' ? { BAILIWICK_BOUNDARY_PORT: String(this.boundaryPort) } : {}),
      ...(name === 'boundary' || name === 'gateway' ? { BAILIWICK_BOUNDARY_URL: this.boundaryUrl } : {}),
    };
  }

  private get boundaryUrl(): string {
    const { BAILIWICK_BOUNDARY_URL: url, BAILIWICK_BOUNDARY_PORT: asked } = process.env;
    // before it starts, the port that it takes unless another process has it then
    return url ?? `http://127.0.0.1:${this.boundaryPort ?? asked ?? this.options.port + 1}`;
  }

  status(): Status {
    const isRegistered = this.services.some(({ name }) => name === 'boundary');
    return {
      url: this.credentials?.url ?? '',
      supervisor: process.pid,
      ...(isRegistered ? { boundary: this.boundaryUrl } : {}),
      services: this.services.flatMap(({ runs, pid, state, restarts }) =>
        runs.map((name) => ({ name, pid, state, restarts })),
      ),
      postgres: { url: withoutPassword(this.adminUrl), ...serverState(this.postgres) },
      nats: { url: this.natsUrl, ...serverState(this.nats) },
    };
  }

  private writeStatus(): void {
    try {
      writePrivate(join(this.options.dataDir, 'run.json'), JSON.stringify(this.status()));
    } catch (error) {
      // the disk is full or the folder was removed: `status` shows an old state, but supervision continues
      this.options.logLine(`writing run.json failed: ${(error as Error).message}`);
    }
  }

  /** Allows one supervisor per data folder. Replaces a lock whose process has exited. */
  private lock(): void {
    const file = join(this.options.dataDir, 'lock');
    try {
      const handle = openSync(file, 'wx', 0o600);
      writeFileSync(handle, String(process.pid));
      closeSync(handle);
    } catch {
      const pid = Number(readFileSync(file, 'utf8'));
      if (Number.isInteger(pid) && pid > 0 && pid !== process.pid && isProcess(pid, 'node')) {
        throw new Error(
          `Bailiwick is already running on ${this.options.dataDir} (process ${pid}); stop it with \`bailiwick down\`, or name another folder with --data`,
        );
      }
      rmSync(file, { force: true });
      this.lock();
    }
  }
}

/** Returns the last status of the supervisor of a data folder; undefined if none is running. */
export function readStatus(dataDir: string): Status | undefined {
  const file = join(dataDir, 'run.json');
  if (!existsSync(file)) return undefined;
  const status = JSON.parse(readFileSync(file, 'utf8')) as Status;
  return isProcess(status.supervisor, 'node') ? status : undefined;
}
