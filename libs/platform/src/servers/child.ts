import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A server started here, for as long as its process lives. */
export interface RunningServer {
  readonly url: string;
  readonly pid: number;
  readonly port: number;
  /** resolves once its process is gone, with the signal or the exit code that ended it */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

/** To be asked for at once after the start, or an early end is missed. */
export function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`)));
}

/** Asks a process to stop, waits, and ends it if it does not. */
export async function stopChild(child: ChildProcess, signal: NodeJS.Signals, waitMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), waitMs);
  await ended;
  clearTimeout(timer);
}

/** Is a process with this id there, and does its command line name what we think it is? Ids are used again. */
export function isProcess(pid: number, named: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').includes(named);
  } catch {
    return process.platform !== 'linux'; // no /proc: the id is all there is to go by
  }
}

/** Waits until a condition holds. @throws with what was waited for */
export async function waitFor(what: string, ms: number, holds: () => boolean | Promise<boolean>): Promise<void> {
  const until = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > until) throw new Error(`waited ${ms} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
