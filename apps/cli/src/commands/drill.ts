import { randomBytes } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { systemClock } from '@bailiwick/core/clock';
import type { Command } from 'commander';
import { UsageError, type GlobalOptions } from '../context';
import { drill, type DrillPlan, type DrillReport } from '../drill/drill';
import { brokenMetrics, drillMetrics, drillText } from '../drill/drill-report';
import { openSandbox, refuseIfInUse } from '../drill/sandbox';
import { dim } from '../render';

interface DrillFlags extends GlobalOptions {
  tenant: string;
  trees: string;
  width: string;
  depth: string;
  workers: string;
  seconds: string;
  metrics?: string;
}

export function addDrillCommand(program: Command): void {
  program
    .command('drill')
    .description(
      'revoke a class of agents under load in a separate tenant, and measure what happens; exit code 1 on failure',
    )
    .option('--tenant <name>', 'the tenant, created if it does not exist; it must have no live runs', 'drill')
    .option('--trees <n>', 'trees of runs', '4')
    .option('--width <n>', 'children of each run', '3')
    .option('--depth <n>', 'levels of children', '2')
    .option('--workers <n>', 'requests for decisions at a time', '8')
    .option('--seconds <s>', 'how long they are made, before the revocation and after it', '2')
    .option('--metrics <file>', 'write the result there for the textfile collector of the node exporter')
    .action((_flags, command: Command) => run(command.optsWithGlobals<DrillFlags>()));
}

async function run(options: DrillFlags): Promise<void> {
  const plan = planOf(options);
  const { metrics } = options;
  const write = (text: () => string): void => {
    if (metrics !== undefined) writeMetrics(metrics, text());
  };
  const report = await measure(options, plan).catch((error: unknown) => {
    // the result of an earlier drill must not stay there as if it were that of this one
    write(() => brokenMetrics(plan.tenant, systemClock.now()));
    throw error;
  });
  console.log(options.json ? JSON.stringify(report) : drillText(report));
  write(() => drillMetrics(report));
  if (report.failures.length > 0) process.exitCode = 1;
}

async function measure(options: DrillFlags, plan: DrillPlan): Promise<DrillReport> {
  const sandbox = await openSandbox(options, plan.tenant);
  await refuseIfInUse(sandbox, plan.tenant);
  // one line, which the report replaces
  const line = (text: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
  };
  return drill(sandbox, plan, (step) => line(dim(`… ${step}`))).finally(() => line(''));
}

function planOf(options: DrillFlags): DrillPlan {
  const plan = {
    tenant: options.tenant,
    // names that look like it would be revoked, too; of no other agent, since it is random
    agentClass: `drill-${randomBytes(6).toString('hex')}`,
    trees: whole('--trees', options.trees, 1, 1_000),
    width: whole('--width', options.width, 1, 100),
    depth: whole('--depth', options.depth, 0, 8),
    workers: whole('--workers', options.workers, 1, 256),
    loadMs: whole('--seconds', options.seconds, 1, 300) * 1_000,
  };
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(plan.tenant) || plan.tenant === 'default')
    throw new UsageError('--tenant must be the name of a tenant, and not default');
  let grants = 1;
  for (let level = 1, runs = 1; level <= plan.depth; level++) grants += runs *= plan.width;
  if (grants * plan.trees > MOST)
    throw new UsageError(`a drill has at most ${MOST} grants, not ${grants * plan.trees}`);
  return plan;
}
const MOST = 20_000;

function whole(option: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw new UsageError(`${option} must be ${least} to ${most}, not ${text}`);
}

/** The collector must never read half a file. */
function writeMetrics(file: string, text: string): void {
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, text);
  renameSync(fresh, file);
}
