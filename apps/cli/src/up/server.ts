import { setTimeout as delay } from 'node:timers/promises';
import { monotonicClock } from '@bailiwick/core/clock';
import type { RunningServer } from '@bailiwick/platform/local-servers/child';
import { BACKOFF_MS, WELL_MS, type ServiceState } from './service';

/** Starts a server. After a failure `port` is the previous port, so that its clients reach the new process. */
export type Launch = (port: number | undefined, signal: AbortSignal) => Promise<RunningServer>;

/** Starts, watches and stops an embedded server (PostgreSQL, NATS), and restarts it over the same data when it exits. */
export class Server {
  state: ServiceState = 'stopped';
  restarts = 0;
  private running: RunningServer | undefined;
  private starting: Promise<unknown> | undefined;
  private watching: Promise<void> | undefined;
  private failures = 0;
  private readonly halted = new AbortController();

  constructor(
    readonly name: string,
    private readonly launch: Launch,
    private readonly changed: () => void,
    private readonly logLine: (line: string) => void,
  ) {}

  /** undefined while the server is down */
  get pid(): number | undefined {
    return this.state === 'running' ? this.running?.pid : undefined;
  }

  /** Starts the server and resolves to its URL, which stays the same. @throws if the first start fails */
  async start(): Promise<string> {
    const first = this.run();
    this.starting = first.catch(() => undefined);
    const server = await first;
    this.watching = this.watch(server);
    return server.url;
  }

  /** Prevents further restarts and aborts a start in progress. */
  halt(): void {
    this.halted.abort(new Error('the server was stopped'));
  }

  async stop(): Promise<void> {
    this.halt();
    await this.starting;
    await this.running?.stop();
    await this.watching;
    this.state = 'stopped';
  }

  private async run(): Promise<RunningServer> {
    const { signal } = this.halted;
    signal.throwIfAborted();
    this.enter('starting');
    const server = await this.launch(this.running?.port, signal);
    if (signal.aborted) {
      await server.stop();
      signal.throwIfAborted();
    }
    this.running = server;
    this.enter('running');
    return server;
  }

  private async watch(first: RunningServer): Promise<void> {
    for (let server: RunningServer | undefined = first; server; server = await this.restart()) {
      const since = monotonicClock.now();
      const how = await server.ended;
      if (this.halted.signal.aborted) return;
      if (monotonicClock.now() - since > WELL_MS) this.failures = 0;
      this.enter('waiting');
      this.logLine(`${this.name} exited (${how}); restarting`);
    }
  }

  /** Retries until the server runs; undefined if it is stopped. */
  private async restart(): Promise<RunningServer | undefined> {
    const { signal } = this.halted;
    for (;;) {
      const wait = BACKOFF_MS[Math.min(this.failures, BACKOFF_MS.length - 1)];
      this.failures += 1;
      await delay(wait, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return undefined;
      this.restarts += 1;
      try {
        const server = await this.run();
        this.logLine(`${this.name} is running again`);
        return server;
      } catch (error) {
        if (signal.aborted) return undefined;
        this.enter('waiting');
        this.logLine(`${this.name} did not restart: ${(error as Error).message}`);
      }
    }
  }

  private enter(state: ServiceState): void {
    this.state = state;
    this.changed();
  }
}
