import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { writeDeployment } from '../../apps/cli/src/up/deploy';
import { freePort } from '@bailiwick/platform/local-servers/ports';
import { natsBinary } from './bus-server';

const NAMES = ['nats-1', 'nats-2', 'nats-3'] as const;

/** Three servers with the configuration that `bailiwick setup --nats nats-1,nats-2,nats-3` writes. */
export class NatsCluster {
  readonly servers = new Map<string, ClusterServer>();
  private readonly dir = mkdtempSync(join(tmpdir(), 'bailiwick-cluster-'));

  /** @param user a user of the account EVENTS, as an operator adds a subscriber: a line of the configuration */
  static async start(user: string): Promise<NatsCluster> {
    const cluster = new NatsCluster();
    const nats = NAMES.map((name) => `${name}:4222`).join(',');
    const listen = { host: '127.0.0.1', port: 8420 };
    writeDeployment({ out: cluster.dir, postgres: 'postgres:5432', nats, url: 'http://127.0.0.1:8420', listen });
    const ports = new Map<string, { client: number; route: number }>();
    for (const name of NAMES) ports.set(name, { client: await freePort(), route: await freePort() });
    for (const [name, { client, route }] of ports) {
      const written = readFileSync(join(cluster.dir, name, 'nats.conf'), 'utf8');
      const config = [...ports].reduce(
        (text, [peer, at]) => text.replace(`@${peer}:6222`, `@127.0.0.1:${at.route}`),
        written
          .replace('host: "0.0.0.0"', 'host: "127.0.0.1"')
          .replace('port: 4222', `port: ${client}`)
          .replace('"0.0.0.0:6222"', `"127.0.0.1:${route}"`)
          .replaceAll('"/data/', `"${join(cluster.dir, name)}/`)
          .replace('EVENTS { jetstream: enabled, users = [', (line) => `${line}\n${user}`),
      );
      cluster.servers.set(name, new ClusterServer(client, join(cluster.dir, `${name}.conf`), config));
    }
    const starts = await Promise.allSettled([...cluster.servers.values()].map((server) => server.up()));
    const failed = starts.find((each) => each.status === 'rejected');
    if (!failed) return cluster;
    await cluster.remove();
    throw failed.reason;
  }

  /** The addresses of all servers, as the services' configuration has them. */
  get url(): string {
    return [...this.servers.values()].map(({ port }) => `nats://127.0.0.1:${port}`).join(',');
  }

  /** The environment of the ledger. */
  get ledger(): Readonly<Record<string, string | undefined>> {
    return parseEnv(readFileSync(join(this.dir, 'ledger', 'env'), 'utf8'));
  }

  server(name: string): ClusterServer {
    return this.servers.get(name) as ClusterServer;
  }

  /** Starts a server that knows the addresses of the cluster but not its password. */
  async stranger(): Promise<ClusterServer> {
    const dir = join(this.dir, 'stranger');
    mkdirSync(dir);
    const { config } = this.server('nats-3');
    const password = /user: route, password: "([^"]+)"/.exec(config)?.[1] as string;
    const port = await freePort();
    const route = await freePort();
    const changed = config
      .replaceAll(password, 'not-the-password')
      .replace('"nats-3"', '"stranger"')
      .replace(/^port: \d+$/m, `port: ${port}`)
      .replace(/listen: "[^"]+"/, `listen: "127.0.0.1:${route}"`)
      .replaceAll(`"${join(this.dir, 'nats-3')}/`, `"${dir}/`);
    const server = new ClusterServer(port, `${dir}.conf`, changed);
    await server.up();
    return server;
  }

  async remove(): Promise<void> {
    await Promise.all([...this.servers.values()].map((server) => server.kill()));
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export class ClusterServer {
  /** the log since the last start */
  output = '';
  private process: ChildProcess | undefined;

  constructor(
    readonly port: number,
    private readonly file: string,
    readonly config: string,
  ) {
    writeFileSync(file, config);
  }

  async up(): Promise<void> {
    this.output = '';
    const process = spawn(natsBinary(), ['-c', this.file], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.process = process;
    await new Promise<void>((resolve, reject) => {
      process.once('error', reject);
      process.once('exit', () => reject(new Error(`nats-server ended:\n${this.output}`)));
      process.stderr.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
        if (this.output.includes('Server is ready')) resolve();
      });
    });
  }

  /** Kills it with SIGKILL. */
  async kill(): Promise<void> {
    const process = this.process;
    this.process = undefined;
    if (!process || process.exitCode !== null || process.signalCode !== null) return;
    const exited = once(process, 'exit');
    process.kill('SIGKILL');
    await exited;
  }
}
