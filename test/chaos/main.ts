import { parseArgs } from 'node:util';
import { Stack } from '../support/stack';
import { TARGETS } from './faults';
import { chaos, type ChaosReport } from './run';

/** `npm run chaos [-- --kills N --seed S --clients C]`: N of each target; exit 0 where all held, 1 where something did not, 2 misused. */
async function main(): Promise<number> {
  const options = read();
  if (!options) return 2;
  const { kills, seed, clients } = options;
  const say = (line: string): void => console.log(`${new Date().toISOString().slice(11, 19)} ${line}`);
  say(`seed ${seed}: ${kills} kills of each of ${TARGETS.length}, ${clients} clients`);
  const stack = await Stack.start();
  let failed = true;
  stack.stopOnSignal();
  try {
    const report = await chaos(stack, { kills: kills * TARGETS.length, seed, clients, again: 5_000, say });
    print(report);
    failed = report.findings.length > 0;
  } catch (error) {
    console.error(error);
  }
  if (failed) {
    await stack.down();
    console.log(`FAILED with --seed ${seed}; data and logs of the services are kept in ${stack.dataDir}`);
    return 1;
  }
  await stack.stop();
  console.log('all held');
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
      throw new Error('--kills, --seed and --clients take whole numbers');
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
  stories,
  events,
  checkpoints,
  askedAgain,
  restarts,
  returns,
}: ChaosReport): void {
  const seconds = (ms: number | undefined): string => (ms === undefined ? '' : (ms / 1_000).toFixed(1));
  const rows = TARGETS.map((target) => {
    const of = (kind: string): number => plan.filter((fault) => fault.target === target && fault.kind === kind).length;
    return {
      target,
      killed: of('kill'),
      stopped: of('stop'),
      'started again': restarts.get(target) ?? '',
      'slowest return, s': seconds(returns.get(target)),
      'longest silence after a kill, s': seconds(record.silences.get(`kill ${target}`)),
      'after a stop, s': seconds(record.silences.get(`stop ${target}`)),
    };
  });
  console.table(rows);
  console.table({
    'stories told': stories,
    'requests answered': record.exchanges.length,
    tries: record.tries,
    'called off in flight': record.abandoned,
    'asked again at once': record.askedAgain,
    'asked again in the end': askedAgain,
    'slowest answer, s': seconds(record.slowest),
    'caps met exactly': record.met.length,
    events,
    'checkpoints compared': checkpoints,
    'found wrong': findings.length,
  });
  for (const finding of findings.slice(0, 40)) console.log(`WRONG ${finding.slice(0, 2_000)}`);
  if (findings.length > 40) console.log(`… and ${findings.length - 40} more`);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
