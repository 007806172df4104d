import { existsSync, openSync, readFileSync, rmSync, writeFileSync, closeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isProcess } from '@bailiwick/platform/servers/child';
import { findNatsServer, startNats } from '@bailiwick/platform/servers/nats';
import { startPostgres } from '@bailiwick/platform/servers/postgres';
import { isFree } from '@bailiwick/platform/servers/ports';
import type { Credentials } from '../context';
import {
  ensureCredentials,
  ensureSecrets,
  makeDataDir,
  SERVICES,
  writePrivate,
  type Secrets,
  type ServiceName,
} from './secrets';
import { prepareDatabase, programOf } from './migrate';
import { Server } from './server';
import { Service, type ServiceState } from './service';

export interface UpOptions {
  readonly dataDir: string;
  readonly port: number;
  /** instances of the delegation service, which share the logs; 1 where it is left out */
  readonly delegations?: number;
  readonly say: (line: string) => void;
}
export interface Status {
  readonly url: string;
  readonly supervisor: number;
  readonly services: { name: string; pid: number | undefined; state: string; restarts: number }[];
  readonly postgres: ServerStatus;
  readonly nats: ServerStatus;
}
/** `outside`: one that was there already, and is not ours to start */
export interface ServerStatus {
  readonly pid: number | undefined;
  readonly url: string;
  readonly state: ServiceState | 'outside';
  readonly restarts: number;
}

const told = (server: Server | undefined): Omit<ServerStatus, 'url'> => ({
  pid: server?.pid,
  state: server?.state ?? 'outside',
  restarts: server?.restarts ?? 0,
});
/** Over the data and on the port of the server that died. Another's server on that port would be taken for ours. */
async function again(port: number | undefined): Promise<{ port?: number; existing?: boolean }> {
  if (port === undefined) return {};
  if (!(await isFree(port))) throw new Error(`port ${port} is taken`);
  return { port, existing: true };
}
/** The first has the service's own name. */
const instancesOf = (name: ServiceName, delegations: number): string[] =>
  name === 'delegation' ? Array.from({ length: delegations }, (_, i) => (i === 0 ? name : `${name}-${i + 1}`)) : [name];
const hidden = (url: string): string => url.replace(/\/\/[^@]*@/, '//');

/** The whole system on one machine: servers, then schema, then services in order; stopped in reverse. */
export class Supervisor {
  private postgres: Server | undefined;
  private nats: Server | undefined;
  private stopping = false;
  private services: Service[] = [];
  private credentials: Credentials | undefined;
  private adminUrl = '';
  /** of each service's own role, once it is started */
  databaseUrls: Readonly<Partial<Record<ServiceName, string>>> = {};
  private natsUrl = '';

  constructor(private readonly options: UpOptions) {}

  /** @throws a message for people; what was started is stopped again */
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
    this.nats?.halt();
    this.postgres?.halt();
    for (const name of [...SERVICES].reverse()) {
      // all instances of a service at once: none of them takes over what another lets go
      const instances = this.services.filter((each) => each.name === name || each.name.startsWith(`${name}-`));
      await Promise.all(instances.map((each) => each.stop()));
    }
    await this.nats?.stop();
    await this.postgres?.stop();
    rmSync(join(this.options.dataDir, 'run.json'), { force: true });
    rmSync(join(this.options.dataDir, 'lock'), { force: true });
  }

  private async startAll(): Promise<Credentials> {
    const { dataDir, port, say } = this.options;
    if (!(await isFree(port))) throw new Error(`port ${port} is taken; name another with --port or BAILIWICK_PORT`);
    const secrets = ensureSecrets(dataDir);
    await this.startServers(secrets);
    const urls = await prepareDatabase(this.adminUrl, secrets.database);
    this.databaseUrls = urls;
    const url = `http://127.0.0.1:${port}`;
    this.credentials = ensureCredentials(dataDir, url);
    for (const name of SERVICES) {
      for (const instance of instancesOf(name, this.options.delegations ?? 1)) {
        this.unlessStopping();
        const service = new Service(
          instance,
          programOf(name, 'main'),
          this.environment(name, urls[name], secrets, url),
          join(dataDir, 'logs'),
          () => this.note(),
        );
        this.services.push(service);
        await service.start();
      }
    }
    say(`postgres, nats-server and ${this.services.map(({ name }) => name).join(', ')} are running`);
    this.note();
    return this.credentials;
  }

  private async startServers(secrets: Secrets): Promise<void> {
    const { dataDir, say } = this.options;
    const outsideDatabase = process.env.BAILIWICK_DATABASE_URL;
    const outsideNats = process.env.BAILIWICK_NATS_URL;
    const changed = (): void => this.note();
    if (!outsideDatabase)
      this.postgres = new Server(
        'postgres',
        async (port, signal) => startPostgres({ dataDir, signal, ...(await again(port)) }),
        changed,
        say,
      );
    this.adminUrl = outsideDatabase ?? (await (this.postgres as Server).start());
    this.unlessStopping();
    if (!outsideNats) {
      const binary = findNatsServer(join(dataDir, 'cache'), process.env.BAILIWICK_NATS_SERVER, say);
      this.nats = new Server(
        'nats-server',
        async (port, signal) => startNats({ binary, dataDir, users: secrets.nats, signal, ...(await again(port)) }),
        changed,
        say,
      );
    }
    this.natsUrl = outsideNats ?? (await (this.nats as Server).start());
  }

  /** Ctrl-C while it starts: what is not there yet is not begun. */
  private unlessStopping(): void {
    if (this.stopping) throw new Error('it was stopped while it started');
  }

  /** Each service gets its own role's URL, its own bus user, and nothing that belongs to another. */
  private environment(name: ServiceName, databaseUrl: string, secrets: Secrets, url: string): NodeJS.ProcessEnv {
    const outside = process.env.BAILIWICK_NATS_URL !== undefined;
    return {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      BAILIWICK_LOG_LEVEL: process.env.BAILIWICK_LOG_LEVEL ?? 'info',
      BAILIWICK_DATA: resolve(this.options.dataDir),
      BAILIWICK_PORT: String(this.options.port),
      BAILIWICK_PUBLIC_URL: url,
      BAILIWICK_NATS_URL: this.natsUrl,
      ...(outside ? {} : { BAILIWICK_NATS_USER: name, BAILIWICK_NATS_PASSWORD: secrets.nats[name] }),
      ...(name === 'gateway' ? {} : { BAILIWICK_DATABASE_URL: databaseUrl }),
    };
  }

  status(): Status {
    return {
      url: this.credentials?.url ?? '',
      supervisor: process.pid,
      services: this.services.map(({ name, pid, state, restarts }) => ({ name, pid, state, restarts })),
      postgres: { url: hidden(this.adminUrl), ...told(this.postgres) },
      nats: { url: this.natsUrl, ...told(this.nats) },
    };
  }

  private note(): void {
    try {
      writePrivate(join(this.options.dataDir, 'run.json'), JSON.stringify(this.status()));
    } catch (error) {
      // a full disk or a folder that is gone: `status` shows what was, and what runs is still watched and stopped
      this.options.say(`run.json could not be written: ${(error as Error).message}`);
    }
  }

  /** One supervisor per data folder. A lock whose process is gone was left by a killed one. */
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
          `Bailiwick already runs over ${this.options.dataDir} (process ${pid}); stop it with \`bailiwick down\`, or name another folder with --data`,
        );
      }
      rmSync(file, { force: true });
      this.lock();
    }
  }
}

/** What the supervisor over this folder last noted; undefined where none runs. */
export function readStatus(dataDir: string): Status | undefined {
  const file = join(dataDir, 'run.json');
  if (!existsSync(file)) return undefined;
  const status = JSON.parse(readFileSync(file, 'utf8')) as Status;
  return isProcess(status.supervisor, 'node') ? status : undefined;
}
