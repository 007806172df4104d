import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BUILT_FLAGS } from '@bailiwick/platform/built';
import { BailiwickClient } from '@bailiwick/client/client';
import { freePort } from '@bailiwick/platform/local-servers/ports';
import { removeData } from '@bailiwick/platform/local-servers/postgres';
import { scratch } from './servers';

const BIN = resolve(__dirname, '..', '..', 'bin', 'bailiwick.mjs');
const START_MS = 90_000;

export interface StackStatus {
  readonly services: readonly { name: string; pid: number; state: string; restarts: number }[];
  readonly postgres: ServerStatus;
  readonly nats: ServerStatus;
}
interface ServerStatus {
  readonly pid: number;
  readonly url: string;
  readonly state: string;
  readonly restarts: number;
}

/** The whole system as users start it: the built `bailiwick up`, with separate servers, database and keys. */
export class Stack {
  private process: ChildProcess | undefined;
  private output = '';

  private constructor(
    readonly dataDir: string,
    readonly port: number,
    private readonly env: Readonly<Record<string, string>>,
    private readonly flags: readonly string[],
    /** data folder of the system if it is shared */
    private readonly system = dataDir,
  ) {}

  /** @param flags additional flags for `bailiwick up` */
  static async start(
    env: Readonly<Record<string, string>> = {},
    flags: readonly string[] = [],
    dataDir = scratch(),
  ): Promise<Stack> {
    const stack = new Stack(dataDir, await freePort(), env, flags);
    await stack.up();
    return stack;
  }

  /**
   * A new tenant, with a separate log, keys and data folder, of the system that `npm test` runs for all tests; without
   * that, a separate system. For tests that neither stop services nor read what belongs to the whole system: it costs one
   * request where a start costs about 14 seconds of CPU.
   */
  static async tenant(): Promise<Stack> {
    const shared = process.env.BAILIWICK_TEST_STACK;
    if (!shared) return Stack.start({ BAILIWICK_WEBHOOK_NETWORKS: '127.0.0.1' }); // as scripts/test.mjs does
    return Stack.tenantOf(shared);
  }

  /** Creates another tenant in the same system, with separate keys and a separate log. */
  another(): Promise<Stack> {
    return Stack.tenantOf(this.system);
  }

  private static async tenantOf(system: string): Promise<Stack> {
    const { url, keys } = credentials(system);
    const id = `t-${randomBytes(5).toString('hex')}`;
    const made = await fetch(`${url}/v1/tenants`, {
      method: 'POST',
      headers: { authorization: `Bearer ${keys.admin}`, 'content-type': 'application/json' },
      body: JSON.stringify({ id }),
    });
    if (made.status !== 201) throw new Error(`no tenant: ${made.status} ${await made.text()}`);
    const dataDir = scratch();
    const file = { url, tenant: id, keys: ((await made.json()) as { keys: Record<string, string> }).keys };
    writeFileSync(join(dataDir, 'credentials.json'), JSON.stringify(file), { mode: 0o600 });
    return new Stack(dataDir, Number(new URL(url).port), {}, [], system);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** name of the log whose keys are `keys` */
  get log(): string {
    return `${credentials(this.dataDir).tenant}/0`;
  }

  /** the key that may create tenants */
  get installationKey(): string {
    return credentials(this.system).keys.admin as string;
  }

  /** role → API key of the tenant */
  get keys(): Record<string, string> {
    return credentials(this.dataDir).keys;
  }

  as(role: string): BailiwickClient {
    return new BailiwickClient({ url: this.url, key: this.keys[role] as string });
  }

  status(): StackStatus {
    return JSON.parse(readFileSync(join(this.dataDir, 'run.json'), 'utf8')) as StackStatus;
  }

  /** Starts or restarts the system; resolves once it reports that it is running. */
  async up(): Promise<void> {
    this.output = '';
    const child = spawn(
      process.execPath,
      [...BUILT_FLAGS, BIN, 'up', '--data', this.dataDir, '--port', String(this.port), ...this.flags],
      {
        env: { ...process.env, ...natsServer(), ...this.env },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    this.process = child;
    await new Promise<void>((resolveUp, reject) => {
      const timer = setTimeout(() => reject(new Error(`not ready after ${START_MS} ms:\n${this.output}`)), START_MS);
      const onOutput = (chunk: Buffer): void => {
        this.output += chunk.toString();
        if (!this.output.includes('Bailiwick is running')) return;
        clearTimeout(timer);
        resolveUp();
      };
      child.stdout.on('data', onOutput);
      child.stderr.on('data', onOutput);
      child.once('exit', (code) => {
        clearTimeout(timer);
        reject(new Error(`exited with ${code} before it was ready:\n${this.output}`));
      });
    });
  }

  /** Ends the system as Ctrl-C does, or with another signal. Keeps the data. */
  async down(signal: NodeJS.Signals = 'SIGINT'): Promise<number | null> {
    const child = this.process;
    if (!child || child.exitCode !== null) return child?.exitCode ?? null;
    child.kill(signal);
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  }

  async stop(): Promise<void> {
    await this.down();
    removeData(this.dataDir);
  }

  /** Stops the system once, although Ctrl-C arrives twice: from the terminal and again from npm. */
  stopOnSignal(): void {
    let stopping: Promise<void> | undefined;
    const stopAndExit = (): void => void (stopping ??= this.stop().finally(() => process.exit(130)));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stopAndExit);
  }
}

interface Credentials {
  readonly url: string;
  readonly tenant: string;
  readonly keys: Record<string, string>;
}
const credentials = (dataDir: string): Credentials =>
  JSON.parse(readFileSync(join(dataDir, 'credentials.json'), 'utf8')) as Credentials;

/** Passes on the binary that the test run has already found. */
const natsServer = (): Record<string, string> =>
  process.env.BAILIWICK_TEST_NATS_SERVER ? { BAILIWICK_NATS_SERVER: process.env.BAILIWICK_TEST_NATS_SERVER } : {};

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** Sends a plain HTTP request, as a caller without the client library does. */
export async function http(
  stack: Stack,
  method: string,
  path: string,
  options: { key?: string; body?: unknown; headers?: Record<string, string>; raw?: string } = {},
): Promise<HttpAnswer> {
  const body = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  const response = await fetch(stack.url + path, {
    method,
    headers: {
      ...(options.key === undefined ? {} : { authorization: `Bearer ${options.key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  const json = /^application\/(problem\+)?json/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    body: json ? (JSON.parse(text) as Record<string, unknown>) : { text },
  };
}

/** Polls until a condition holds. @param what names the condition in the error if it does not hold in time */
export async function until(what: string, holds: () => boolean | Promise<boolean>, ms = 30_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms for ${what}`);
    await new Promise((again) => setTimeout(again, 25));
  }
}
