import type { Command } from 'commander';
import type { BailiwickClient } from '@bailiwick/client/client';
import type { CleanRun } from '@bailiwick/drift/calibrate';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { dim, table } from '../render';

interface CalibrateFlags extends GlobalOptions {
  class: string;
  ask: string;
  suspend: string;
  limit: string;
}

/** Adds `drift`; what calibrates is loaded when the command runs. */
export function addDriftCommands(program: Command): void {
  program
    .command('drift')
    .description('thresholds for the drift of runs')
    .command('calibrate')
    .description('the thresholds of a class for a wanted share of false alarms, from its runs that were completed')
    .requiredOption('--class <class>', 'of the agents')
    .option('--ask <share>', 'share of clean runs that may reach stepUpAt', '0.02')
    .option('--suspend <share>', 'share of clean runs that may reach suspendAt', '0.002')
    .option('--limit <n>', 'maximum number of runs', '500')
    .action((_flags, command: Command) => calibrateClass(command.optsWithGlobals<CalibrateFlags>()));
}

/** Shares of the curve that is printed. */
const CURVE = [0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.002];

async function calibrateClass(flags: CalibrateFlags): Promise<void> {
  const [ask, suspend] = [shareOf('--ask', flags.ask), shareOf('--suspend', flags.suspend)];
  if (suspend > ask) throw new UsageError('--suspend must not exceed --ask: a run is asked about before it is stopped');
  const limit = Number(flags.limit);
  if (!Number.isInteger(limit) || limit < 1) throw new UsageError('--limit must be a whole number of at least 1');
  const runs = await cleanRuns(clientFor(flags, 'analyst'), flags.class, limit);
  const { calibrate, TASKS } = await import('@bailiwick/drift/calibrate');
  const tasks = new Set(runs.map(({ task }) => task)).size;
  const curve = calibrate(runs, CURVE);
  const [stepUpAt, suspendAt] = calibrate(runs, [ask, suspend]).map(({ threshold }) => threshold);
  const onDrift = { stepUpAt, suspendAt: Math.max(suspendAt ?? 1, stepUpAt ?? 1) };
  if (flags.json) return console.log(JSON.stringify({ class: flags.class, runs: runs.length, tasks, curve, onDrift }));
  const percent = (share: number): string => `${Number((100 * share).toFixed(2))} %`;
  console.log(`${runs.length} completed runs of ${flags.class}, ${tasks} different tasks`);
  console.log(
    table(
      ['clean runs that reach it', 'of the class', 'shipped', 'threshold'],
      curve.map(({ rate, own, shipped, threshold }) => [percent(rate), own, shipped, threshold].map(String)),
    ),
  );
  if (tasks < TASKS) console.log(dim(`With fewer than ${TASKS} tasks, the thresholds are mostly the shipped ones.`));
  console.log(`\nIn the manifest of the class, for ${percent(ask)} and ${percent(suspend)}:`);
  console.log(
    `  lease:\n    purpose:\n      onDrift: { stepUpAt: ${onDrift.stepUpAt}, suspendAt: ${onDrift.suspendAt} }`,
  );
}

function shareOf(option: string, text: string): number {
  const share = Number(text);
  if (!(share > 0 && share < 1)) throw new UsageError(`${option} must be a share between 0 and 1, such as 0.02`);
  return share;
}

interface RunRow {
  readonly id: string;
  readonly purpose?: string | null;
  readonly task?: string | null;
}

/** Reads the completed runs of a class, with the highest score of each, also before a person resumed it. */
async function cleanRuns(client: BailiwickClient, agentClass: string, limit: number): Promise<CleanRun[]> {
  const runs: CleanRun[] = [];
  for (let cursor: string | undefined | null = undefined; cursor !== null && runs.length < limit;) {
    const query = new URLSearchParams({
      agentClass,
      status: 'completed',
      limit: String(Math.min(limit - runs.length, 100)),
      ...(cursor === undefined ? {} : { cursor }),
    });
    const page: { items: RunRow[]; next: string | null } = await client.get(`/v1/runs?${query.toString()}`);
    for (const { id, purpose, task } of page.items) {
      const { scores } = (await client.drift(id)) as { scores: { score: number }[] };
      runs.push({ task: task ?? purpose ?? id, score: scores.reduce((most, { score }) => Math.max(most, score), 0) });
    }
    cursor = page.next;
  }
  return runs;
}
