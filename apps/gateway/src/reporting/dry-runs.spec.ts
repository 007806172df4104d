import { LIMITS } from '@bailiwick/core/limits';
import type { Caller } from '../auth/caller';
import { DryRuns, type DryRun } from './dry-runs';
import { metricsText } from './metrics';

const RUN: Caller = {
  kind: 'run',
  tenant: 'lines',
  runId: 'run_0_x',
  grantId: 'grt_0_x',
  jkt: undefined,
  actor: { kind: 'run', id: 'run_0_x' },
};

describe('DryRuns', () => {
  it('counts every dry run, bounds the lines per second, and logs the number of omitted lines', async () => {
    let now = 5_000;
    const lines: DryRun[] = [];
    const dryRuns = new DryRuns(
      (line) => lines.push(line),
      () => now,
    );
    const note = (): void => dryRuns.note(RUN, { grantId: 'grt_0_x', commandId: 'cmd_1' }, 'deny');
    for (let i = 0; i < LIMITS.dryRunLinesPerSecond + 7; i++) note();
    expect(lines).toHaveLength(LIMITS.dryRunLinesPerSecond);
    now += 1_000;
    note();
    const line = { tenant: 'lines', asker: 'run', actor: 'run_0_x', grantId: 'grt_0_x', commandId: 'cmd_1' };
    expect(lines.at(-1)).toEqual({ ...line, decision: 'deny', leftOut: 7 });
    expect(lines[0]).toEqual({ ...line, decision: 'deny' });
    expect(await metricsText()).toContain(
      `bailiwick_dry_runs_total{tenant="lines",asker="run",decision="deny"} ${LIMITS.dryRunLinesPerSecond + 8}`,
    );
  });
});
