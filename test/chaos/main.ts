import { parseArgs } from 'node:util';
import { Stack } from '../support/stack';
import { TARGETS } from './faults';
import { chaos, type ChaosReport } from './run';

/**
 * `npm run chaos [-- --kills N --seed S --clients C]`: kills each target N times. Exit code 0 if every check passed,
 * 1 if one failed, 2 for invalid options.
 */
async function main(): Promise<number> {
  const options = read();
  if (!options) return 2;
  const { kills, seed, clients } = options;
  const logLine = (line: string): void => console.log(`${new Date().toISOString().slice(11, 19)} ${line}`);
  logLine(`seed ${seed}: ${kills} kills of each of ${TARGETS.length} targets, ${clients} clients`);
  const stack = await Stack.start();
  let failed = true;
  stack.stopOnSignal();
  try {
    const report = await chaos(stack, { kills: kills * TARGETS.length, seed, clients, again: 5_000, logLine });
    print(report);
    failed = report.findings.length > 0;
  } catch (error) {
    console.error(error);
  }
  if (failed) {
    await stack.down();
    console.log(`FAILED with --seed ${seed}; the data and the services' logs are kept in ${stack.dataDir}`);
    return 1;
  }
  await stack.stop();
  console.log('all checks passed');
  return 0;
}

function read(): { kills: number; seed: number; clients: number } | undefined {
  const flags = {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string' },
    clients: { type: 'string', default: '24' },
  } as const;
  try {
    const { values } = parseArgs({ options: flags });
    const [kills, seed, clients] = [values.kills, values.seed ?? String(Date.now() % 1_000_000), values.clients].map(
      Number,
    );
    if (![kills, seed, clients].every((each) => Number.isSafeInteger(each) && each! >= 0) || clients === 0)
      throw new Error('--kills and --seed must be whole numbers from 0, --clients from 1');
    return { kills: kills!, seed: seed!, clients: clients! };
  } catch (error) {
    console.error(`${(error as Error).message}\nusage: npm run chaos [-- --kills N --seed S --clients C]`);
    return undefined;
  }
}

function print({
  findings,
  plan,
  record,
  scenarios,
  events,
  checkpoints,
  askedAgain,
  restarts,
  restartTimes,
}: ChaosReport): void {
  const seconds = (ms: number | undefined): string => (ms === undefined ? '' : (ms / 1_000).toFixed(1));
  const rows = TARGETS.map((target) => {
    const of = (kind: string): number => plan.filter((fault) => fault.target === target && fault.kind === kind).length;
    return {
      target,
      killed: of('kill'),
      stopped: of('stop'),
      restarts: restarts.get(target) ?? '',
      'slowest restart, s': seconds(restartTimes.get(target)),
      'longest silence after a kill, s': seconds(record.silences.get(`kill ${target}`)),
      'after a stop, s': seconds(record.silences.get(`stop ${target}`)),
    };
  });
  console.table(rows);
  console.table({
    'scenarios run': scenarios,
    'requests answered': record.exchanges.length,
    tries: record.tries,
    'aborted in flight': record.aborted,
    'repeated at once': record.repeated,
    'repeated at the end': askedAgain,
    'slowest response, s': seconds(record.slowest),
    'caps used up exactly': record.met.length,
    events,
    'checkpoints compared': checkpoints,
    findings: findings.length,
  });
  for (const finding of findings.slice(0, 40)) console.log(`FAILED ${finding.slice(0, 2_000)}`);
  if (findings.length > 40) console.log(`… and ${findings.length - 40} more`);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
