import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNatsServer } from '@bailiwick/platform/local-servers/nats';
import { freePort } from '@bailiwick/platform/local-servers/ports';

/** A nats-server for one test, with a free port and a separate JetStream folder, that can be killed and restarted. */
export class TestNatsServer {
  private process: ChildProcess | undefined;
  private output = '';

  private constructor(
    readonly port: number,
    private readonly dir: string,
  ) {}

  /**
   * @param extra additional lines of its configuration, such as users and their permissions
   * @param under the parent of its folder
   */
  static async start(extra = '', under = tmpdir()): Promise<TestNatsServer> {
    const server = new TestNatsServer(await freePort(), await mkdtemp(join(under, 'bailiwick-nats-')));
    await server.configure(extra);
    await server.up();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  async configure(extra: string): Promise<void> {
    const own = `listen: "127.0.0.1:${this.port}"\nmax_payload: 8MB\njetstream { store_dir: ${JSON.stringify(join(this.dir, 'store'))} }\n`;
    await writeFile(join(this.dir, 'nats.conf'), own + extra);
  }

  async up(): Promise<void> {
    const process = spawn(natsBinary(), ['-c', join(this.dir, 'nats.conf')], { stdio: ['ignore', 'ignore', 'pipe'] });
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
    this.output = '';
    if (!process || process.exitCode !== null) return;
    process.removeAllListeners('exit');
    process.kill('SIGKILL');
    await once(process, 'exit');
  }

  async emptyStore(): Promise<void> {
    await rm(join(this.dir, 'store'), { recursive: true, force: true });
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.dir, { recursive: true, force: true });
  }
}

export const natsBinary = (): string =>
  process.env.BAILIWICK_TEST_NATS_SERVER ??
  findNatsServer(join(tmpdir(), 'bailiwick-test-cache'), process.env.BAILIWICK_NATS_SERVER);
