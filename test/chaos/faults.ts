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
  /** `stop`: it goes on after a while, and does not know that it was away */
  readonly kind: 'kill' | 'stop';
}

const RETURN_MS = 60_000;
const STOP_MOST_MS = 4_000;

/** So many kills, spread over all targets, and one stop for three of them; in an order that the seed gives. */
export function planOf(kills: number, random: Random): Fault[] {
  const spread = (count: number, kind: Fault['kind']): Fault[] => {
    const order = random.shuffled(TARGETS);
    return Array.from({ length: count }, (_, i) => ({ target: order[i % order.length]!, kind }));
  };
  return random.shuffled([...spread(kills, 'kill'), ...spread(Math.floor(kills / 3), 'stop')]);
}

/** Lets faults happen to a running system, and sees that what died comes back. */
export class Faults {
  /** from the kill until its supervisor calls it running again, ms */
  readonly returns = new Map<Target, number>();
  private readonly coming: Promise<void>[] = [];

  constructor(
    private readonly stack: Stack,
    private readonly random: Random,
    private readonly record: Record,
  ) {}

  /** One fault. Half of them are waited out; at the others the next one finds the system still on its way back. */
  async happen(fault: Fault): Promise<void> {
    const pid = await this.pidOf(fault.target);
    this.record.faulted(`${fault.kind} ${fault.target}`);
    const over = fault.kind === 'stop' ? this.stop(pid) : this.kill(fault.target, pid);
    this.coming.push(over);
    if (this.random.chance(0.5)) await over;
  }

  /** All that was killed runs again, and all that was stopped goes on. */
  async over(): Promise<void> {
    await Promise.all(this.coming);
  }

  private async kill(target: Target, pid: number): Promise<void> {
    signal(pid, 'SIGKILL');
    if (target === 'backend') return; // its postmaster starts all others anew
    const from = performance.now();
    try {
      await until(`${target} to run again`, () => runningPid(this.stack, target, pid) !== undefined, RETURN_MS);
      this.returns.set(target, Math.max(this.returns.get(target) ?? 0, performance.now() - from));
    } catch (error) {
      this.record.findings.push((error as Error).message);
    }
  }

  private async stop(pid: number): Promise<void> {
    signal(pid, 'SIGSTOP');
    await delay(this.random.between(100, STOP_MOST_MS));
    signal(pid, 'SIGCONT');
  }

  private async pidOf(target: Target): Promise<number> {
    let pid: number | undefined;
    await until(
      `${target} to be there`,
      async () => {
        pid = target === 'backend' ? await this.backend() : runningPid(this.stack, target);
        return pid !== undefined;
      },
      RETURN_MS,
    );
    return pid!;
  }

  /** Any connection of one of our services. */
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

/** A process that is gone already needs no signal. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
