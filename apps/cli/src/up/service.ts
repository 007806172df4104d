import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { monotonicClock } from '@bailiwick/core/clock';
import { BUILT_FLAGS } from '@bailiwick/platform/built';
import { stopChild } from '@bailiwick/platform/local-servers/child';

export type ServiceState = 'starting' | 'running' | 'waiting' | 'stopped';

/**
 * The semi-space holds objects that live as long as a request; if it is smaller, collecting them takes a quarter of the
 * time. The initial old space (MB) delays the first full collection: while less than a semi-space is left before the
 * next one, every scavenge becomes a full collection.
 */
const NODE_FLAGS = [...BUILT_FLAGS, '--enable-source-maps', '--max-semi-space-size=64', '--initial-old-space-size=256'];
const READY_MS = 60_000;
const STOP_MS = 10_000;
/** Delays before a restart, by the number of failures. */
export const BACKOFF_MS = [100, 500, 1_000, 2_000, 5_000];
/** A service that has run this long counts as healthy; its failure count is reset. */
export const WELL_MS = 30_000;

/** Starts, watches and stops one service process, and restarts it when it exits. */
export class Service {
  state: ServiceState = 'stopped';
  restarts = 0;
  private child: ChildProcess | undefined;
  private stopping = false;
  private failures = 0;

  constructor(
    /** name of the service, or of one of its instances */
    readonly name: string,
    private readonly script: string,
    private readonly env: NodeJS.ProcessEnv,
    private readonly logDir: string,
    private readonly changed: () => void,
    /** the services that the process runs */
    readonly runs: readonly string[] = [name],
  ) {}

  get pid(): number | undefined {
    return this.child?.pid;
  }

  private get logFile(): string {
    return join(this.logDir, `${this.name}.log`);
  }

  /** @throws an error with the last lines of its log if it does not become ready */
  async start(): Promise<void> {
    this.state = 'starting';
    const log = openSync(this.logFile, 'a', 0o600);
    const startedAt = monotonicClock.now();
    // a separate process group, so that Ctrl-C does not reach it before the supervisor stops it in order
    const child = spawn(process.execPath, [...NODE_FLAGS, this.script], {
      env: this.env,
      stdio: ['ignore', log, log, 'ipc'],
      detached: true,
    });
    closeSync(log);
    this.child = child;
    child.once('exit', () => this.ended(child, startedAt));
    this.changed();
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`${this.name} ${why}: ${this.lastLines()}`));
      const timer = setTimeout(() => fail(`was not ready after ${READY_MS / 1_000} s`), READY_MS);
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        fail(`exited (${signal ?? code}) before it was ready`);
      });
      child.once('message', () => {
        clearTimeout(timer);
        this.state = 'running';
        this.changed();
        resolve();
      });
    });
  }

  async stop(): Promise<void> {
    this.stopping = true;
    if (this.child) await stopChild(this.child, 'SIGTERM', STOP_MS);
    this.state = 'stopped';
  }

  private ended(child: ChildProcess, startedAt: number): void {
    if (this.stopping || this.child !== child) return;
    const wasReady = this.state === 'running';
    this.state = 'waiting';
    this.failures = monotonicClock.now() - startedAt > WELL_MS ? 0 : this.failures + 1;
    this.changed();
    if (!wasReady && this.restarts === 0) return; // the first start failed: its caller receives the error
    this.restarts += 1;
    const wait = BACKOFF_MS[Math.min(this.failures, BACKOFF_MS.length - 1)] as number;
    setTimeout(() => {
      if (!this.stopping) this.start().catch(() => undefined); // it exits again, and is restarted again
    }, wait);
  }

  private lastLines(): string {
    return existsSync(this.logFile)
      ? readFileSync(this.logFile, 'utf8').trim().split('\n').slice(-5).join('\n')
      : 'its log is empty';
  }
}
