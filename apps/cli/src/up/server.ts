import { setTimeout as delay } from 'node:timers/promises';
import type { RunningServer } from '@bailiwick/platform/servers/child';
import { BACKOFF_MS, WELL_MS, type ServiceState } from './service';

/** @param port that of the server that died: who spoke to it finds the new one there */
export type Launch = (port: number | undefined, signal: AbortSignal) => Promise<RunningServer>;

/** An embedded server (PostgreSQL, NATS): started, watched, started again over the same data when it dies, stopped. */
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
    private readonly say: (line: string) => void,
  ) {}

  /** undefined while it is down: a dead process is nobody's */
  get pid(): number | undefined {
    return this.state === 'running' ? this.running?.pid : undefined;
  }

  /** @throws where the first start fails: the caller is told, and decides. Resolves to its URL, which it keeps. */
  async start(): Promise<string> {
    const first = this.run();
    this.starting = first.catch(() => undefined);
    const server = await first;
    this.watching = this.watch(server);
    return server.url;
  }

  /** From now on nothing is started again. A start in progress is given up. */
  halt(): void {
    this.halted.abort(new Error('it was stopped'));
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
    for (let server: RunningServer | undefined = first; server; server = await this.again()) {
      const since = Date.now();
      const how = await server.ended;
      if (this.halted.signal.aborted) return;
      if (Date.now() - since > WELL_MS) this.failures = 0;
      this.enter('waiting');
      this.say(`${this.name} ended (${how}); starting it again`);
    }
  }

  /** Until it runs, or is to stop. */
  private async again(): Promise<RunningServer | undefined> {
    const { signal } = this.halted;
    for (;;) {
      const wait = BACKOFF_MS[Math.min(this.failures, BACKOFF_MS.length - 1)];
      this.failures += 1;
      await delay(wait, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return undefined;
      this.restarts += 1;
      try {
        const server = await this.run();
        this.say(`${this.name} runs again`);
        return server;
      } catch (error) {
        if (signal.aborted) return undefined;
        this.enter('waiting');
        this.say(`${this.name} did not start again: ${(error as Error).message}`);
      }
    }
  }

  private enter(state: ServiceState): void {
    this.state = state;
    this.changed();
  }
}
