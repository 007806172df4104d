import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const PRELOAD = resolve(__dirname, 'stepped-clock.cjs');

/** Starts another process of the same service, with its command line and environment, whose clock `setClock` moves. */
export function startCopyOf(pid: number): ChildProcess {
  const lines = (name: string): string[] => readFileSync(`/proc/${pid}/${name}`, 'utf8').split('\0').filter(Boolean);
  const env = Object.fromEntries(lines('environ').map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]));
  const [node, ...args] = lines('cmdline');
  return spawn(node as string, ['--require', PRELOAD, ...args], {
    env,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
}

/** Moves the wall clock that a copy reads. @param clockAheadMs from the clock of the machine */
export async function setClock(stepped: ChildProcess, clockAheadMs: number): Promise<void> {
  const confirmed = new Promise((confirm) =>
    stepped.on(
      'message',
      (message: { clockAheadMs?: number }) => message.clockAheadMs === clockAheadMs && confirm(message),
    ),
  );
  stepped.send({ clockAheadMs });
  await confirmed;
}
