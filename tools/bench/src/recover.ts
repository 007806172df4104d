import { fork } from 'node:child_process';
import { join } from 'node:path';
import { BUILT_FLAGS } from '@bailiwick/platform/built';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import { takeSnapshot } from '@bailiwick/platform/logs/log-state';
import type { BenchOptions } from './bench';
import { askUntilPermitted, makeTenant, type Tenant } from './data/large';
import type { MemoryReport } from './memory-process';
import { RawEvents } from './data/raw-events';
import type { Report } from './report/report';
import type { System } from './system';

/** Measures the time from `kill -9` of the owner to the next permit of its log, with a million live leases. */
export async function benchRecover({ system, report, size }: BenchOptions): Promise<void> {
  const tenant = await makeTenant(system, 'recover', { chains: Math.ceil(size / 64), depth: 64, rules: 0 }, report);
  await snapshotOf(system, tenant, report);
  report.alone(
    'recover_s',
    's',
    await recovery(system, tenant),
    `from kill -9 to the first permit; ${tenant.grants} live leases, from a snapshot`,
  );
  const raw = new RawEvents(system.databaseUrl);
  await raw.dropSnapshots(tenant.log);
  await raw.close();
  report.alone(
    'recover_from_0_s',
    's',
    await recovery(system, tenant),
    `the same without a snapshot: ${tenant.events} events`,
  );
}

/** Measures the memory of a live lease: the heap of a process that holds a million of them and nothing else. */
export async function benchMemory({ system, report, size }: BenchOptions): Promise<void> {
  const tenant = await makeTenant(system, 'memory', { chains: Math.ceil(size / 64), depth: 64, rules: 0 }, report);
  const child = fork(join(__dirname, 'memory-process.js'), [system.databaseUrl, tenant.log], {
    execArgv: [...BUILT_FLAGS, '--expose-gc', '--max-old-space-size=12000'],
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  const heap = await new Promise<MemoryReport>((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`the process that holds the state exited with ${code}`)));
  });
  report.alone(
    'bytes_per_grant',
    'bytes',
    heap.folded / tenant.grants,
    `${tenant.grants} live leases and their runs, folded from their events`,
  );
  report.alone('bytes_per_grant_restored', 'bytes', heap.restored / tenant.grants, 'the same from a snapshot');
}

async function recovery(system: System, tenant: Tenant): Promise<number> {
  for (const pid of system.pidsOf('delegation')) process.kill(pid, 'SIGKILL');
  const started = performance.now();
  await askUntilPermitted(system, tenant);
  return (performance.now() - started) / 1_000;
}

/** Takes a snapshot as the delegation service does when a log has grown. */
async function snapshotOf(system: System, tenant: Tenant, report: Report): Promise<void> {
  const eventlog = new PostgresEventLog(system.databaseUrl, { max: 1 });
  try {
    const started = performance.now();
    await takeSnapshot(tenant.log, eventlog, (message) => report.note(message));
    report.note(`snapshot taken in ${((performance.now() - started) / 1_000).toFixed(0)} s`);
  } finally {
    await eventlog.close();
  }
}
