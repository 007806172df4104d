import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { Random } from '../support/random';
import { until, type Stack } from '../support/stack';
import { databaseUrl } from './log';
import type { Record } from './record';

export const TARGETS = ['gateway', 'delegation', 'intent', 'ledger', 'postgres', 'backend', 'nats'] as const;
export type Target = (typeof TARGETS)[number];
export interface Fault {
  readonly target: Target;
  /** `stop`: SIGSTOP, then SIGCONT after a while, which the process does not notice */
  readonly kind: 'kill' | 'stop';
}

const RESTART_MS = 60_000;
const MAX_STOP_MS = 4_000;

/** Plans kills spread over all targets and one stop per three kills, in an order derived from the seed. */
export function planOf(kills: number, random: Random): Fault[] {
  const faultsOf = (count: number, kind: Fault['kind']): Fault[] => {
    const order = random.shuffled(TARGETS);
    return Array.from({ length: count }, (_, i) => ({ target: order[i % order.length]!, kind }));
  };
  return random.shuffled([...faultsOf(kills, 'kill'), ...faultsOf(Math.floor(kills / 3), 'stop')]);
}

/** Injects faults into a running system and checks that killed processes restart. */
export class Faults {
  /** target → longest time from a kill until the supervisor reports it as running, ms */
  readonly restartTimes = new Map<Target, number>();
  private readonly recoveries: Promise<void>[] = [];

  constructor(
    private readonly stack: Stack,
    private readonly random: Random,
    private readonly record: Record,
  ) {}

  /** Injects one fault. Waits for recovery from half of them; after the others, the next fault hits a recovering system. */
  async inject(fault: Fault): Promise<void> {
    const pid = await this.pidOf(fault.target);
    this.record.setFault(`${fault.kind} ${fault.target}`);
    const waitForRecovery = fault.kind === 'stop' ? this.stop(pid) : this.kill(fault.target, pid);
    this.recoveries.push(waitForRecovery);
    if (this.random.chance(0.5)) await waitForRecovery;
  }

  /** Waits until every killed process runs again and every stopped one continues. */
  async waitForRecovery(): Promise<void> {
    await Promise.all(this.recoveries);
  }

  private async kill(target: Target, pid: number): Promise<void> {
    signal(pid, 'SIGKILL');
    if (target === 'backend') return; // the postmaster then restarts all backends
    const from = performance.now();
    try {
      await until(`${target} to run again`, () => runningPid(this.stack, target, pid) !== undefined, RESTART_MS);
      this.restartTimes.set(target, Math.max(this.restartTimes.get(target) ?? 0, performance.now() - from));
    } catch (error) {
      this.record.findings.push((error as Error).message);
    }
  }

  private async stop(pid: number): Promise<void> {
    signal(pid, 'SIGSTOP');
    await delay(this.random.between(100, MAX_STOP_MS));
    signal(pid, 'SIGCONT');
  }

  private async pidOf(target: Target): Promise<number> {
    let pid: number | undefined;
    await until(
      `${target} to run`,
      async () => {
        pid = target === 'backend' ? await this.backend() : runningPid(this.stack, target);
        return pid !== undefined;
      },
      RESTART_MS,
    );
    return pid!;
  }

  /** Returns the PID of a random backend that serves one of our services. */
  private async backend(): Promise<number | undefined> {
    const client = new Client({ connectionString: databaseUrl(this.stack), connectionTimeoutMillis: 2_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const { rows } = await client.query<{ pid: number }>(
        "SELECT pid FROM pg_stat_activity WHERE usename LIKE 'bailiwick_%' ORDER BY pid",
      );
      return rows.length === 0 ? undefined : this.random.pick(rows).pid;
    } catch {
      return undefined;
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

function runningPid(stack: Stack, target: Exclude<Target, 'backend'>, other?: number): number | undefined {
  const status = stack.status();
  const known =
    target === 'postgres' || target === 'nats' ? status[target] : status.services.find(({ name }) => name === target);
  return known?.state === 'running' && known.pid !== other ? known.pid : undefined;
}

/** Sends a signal; ignores a process that has already exited. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
