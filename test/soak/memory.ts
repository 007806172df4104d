import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { Stack } from '../support/stack';

/**
 * Returns the KB of memory of each part. On Linux this excludes shared memory and mapped files, because otherwise every
 * PostgreSQL process would count the same buffers.
 */
export function memoryOf(stack: Stack): { [part: string]: number } {
  const { services, postgres, nats } = stack.status();
  const processes = processesNow();
  const family = (pid: number): number[] => [
    pid,
    ...processes.filter(({ parent }) => parent === pid).map((p) => p.pid),
  ];
  const parts: [string, number[]][] = [
    ...services.map(({ name, pid }): [string, number[]] => [name, [pid]]),
    ['postgres', family(postgres.pid)],
    ['nats', [nats.pid]],
  ];
  return Object.fromEntries(parts.map(([name, pids]) => [name, pids.reduce((sum, pid) => sum + privateKb(pid), 0)]));
}

function processesNow(): { pid: number; parent: number }[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([pid = 0, parent = 0]) => ({ pid, parent }));
}

function privateKb(pid: number): number {
  const file = `/proc/${pid}/status`;
  try {
    if (existsSync(file)) return Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0; // the process has ended
  }
  return Number(spawnSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }).stdout) || 0;
}
