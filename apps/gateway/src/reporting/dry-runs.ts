import { LIMITS } from '@bailiwick/core/limits';
import type { Caller } from '../auth/caller';
import { countDryRun } from './metrics';

/** A log line about a dry run. It contains only ids, without the arguments and names of the call. */
export interface DryRun {
  readonly tenant: string;
  readonly asker: Caller['kind'];
  readonly actor: string;
  readonly grantId: string;
  readonly commandId: string;
  readonly decision: string;
  /** lines omitted since the previous one, of all tenants */
  readonly leftOut?: number;
}

/**
 * Records dry runs. A dry run has no effect and writes no event, so its traces are a metric and a log line; the lines per
 * second are bounded to protect the disk.
 */
export class DryRuns {
  private second = 0;
  private written = 0;
  private leftOut = 0;

  constructor(
    private readonly write: (line: DryRun) => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  note({ tenant, kind, actor }: Caller, command: { grantId: string; commandId: string }, decision: string): void {
    countDryRun(tenant, kind, decision);
    const second = Math.floor(this.now() / 1_000);
    if (second !== this.second) this.written = 0;
    this.second = second;
    if (this.written >= LIMITS.dryRunLinesPerSecond) {
      this.leftOut += 1;
      return;
    }
    this.written += 1;
    const { leftOut } = this;
    this.leftOut = 0;
    const { grantId, commandId } = command;
    const line = { tenant, asker: kind, actor: actor.id, grantId, commandId, decision };
    this.write(leftOut > 0 ? { ...line, leftOut } : line);
  }
}
