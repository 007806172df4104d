import { LIMITS } from '@bailiwick/core/limits';
import type { Caller } from '../auth/caller';
import { countDryRun } from './metrics';

/** A dry run, by ids alone: what was asked, with its arguments and names, is not in a line. */
export interface DryRun {
  readonly tenant: string;
  readonly asker: Caller['kind'];
  readonly actor: string;
  readonly grantId: string;
  readonly commandId: string;
  readonly decision: string;
  /** lines left out since the one before, of whichever tenant */
  readonly leftOut?: number;
}

/**
 * A dry run decides nothing and is no event (only what happened is one), so its trace is here: counted each, and a line
 * each, as many in a second as do not fill a disk.
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
