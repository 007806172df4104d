import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { monotonicClock } from '@bailiwick/core/clock';

/** A server that was started here and lives as long as its process. */
export interface RunningServer {
  readonly url: string;
  readonly pid: number;
  readonly port: number;
  /** resolves when the process has ended, with its signal or exit code */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

/** Must be called right after the start; otherwise it misses an early end. */
export function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`)));
}

/** Asks a process to stop, waits, and kills it if it does not. */
export async function stopChild(child: ChildProcess, signal: NodeJS.Signals, waitMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), waitMs);
  await ended;
  clearTimeout(timer);
}

/** Reports whether a process with this id exists and its command line contains the name, since ids are reused. */
export function isProcess(pid: number, named: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').includes(named);
  } catch {
    return process.platform !== 'linux'; // without /proc only the id can be checked
  }
}

/** Waits until a condition holds. @throws with `what` after the time-out */
export async function waitFor(what: string, ms: number, holds: () => boolean | Promise<boolean>): Promise<void> {
  const until = monotonicClock.now() + ms;
  while (!(await holds())) {
    if (monotonicClock.now() > until) throw new Error(`timed out after ${ms} ms waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
