import { Command } from 'commander';
import { UsageError } from '@bailiwick/cli/context';
import { benchDecisions } from './decisions';
import { benchDelegate } from './delegate';
import { benchDerive } from './derive';
import { benchDrift } from './drift';
import { Driver } from './load/driver';
import { benchLedger } from './ledger';
import { benchLog } from './log';
import { benchMcp } from './mcp';
import { benchMemory, benchRecover } from './recover';
import { benchPolicyDiff } from './policy-diff';
import { benchReplay } from './replay';
import { Report } from './report/report';
import { benchRules, rulesIn } from './sequence-rules';
import { System } from './system';

const BENCHES = {
  decisions: benchDecisions,
  delegate: benchDelegate,
  log: benchLog,
  ledger: benchLedger,
  recover: benchRecover,
  memory: benchMemory,
  replay: benchReplay,
  diff: benchPolicyDiff,
  mcp: benchMcp,
} as const;
type Bench = keyof typeof BENCHES;
const NAMES = Object.keys(BENCHES) as Bench[];
/** Measure recorded runs, and need no running system. */
const OF_RUNS = { rules: benchRules, derive: benchDerive } as const;
const NAMES_OF_RUNS = Object.keys(OF_RUNS) as (keyof typeof OF_RUNS)[];

interface BenchFlags {
  rounds: string;
  size: string;
  json?: boolean;
  data?: string;
  fit?: string;
  rules?: string;
}

/** Runs `bailiwick bench` with the arguments after `bench`. */
export async function runBench(args: readonly string[]): Promise<void> {
  await new Command('bailiwick bench')
    .argument('[which]', `one of ${NAMES.join(', ')}; all of them if omitted; or ${NAMES_OF_RUNS.join(', ')}, drift`)
    .argument('[files...]', 'further files of recorded runs, for drift')
    .description('compare this build with other software on this machine')
    .option('--rounds <n>', 'number of measured rounds', '5')
    .option('--size <n>', 'number of live leases in a large state, or of recorded decisions', '1000000')
    .option(
      '--data <file>',
      `recorded runs, for ${NAMES_OF_RUNS.join(', ')} and drift: one JSON object per line, optionally gzipped`,
    )
    .option('--fit <file>', 'for drift: write the parameters fitted on all the runs to this file, instead of measuring')
    .option(
      '--rules <file>',
      'for rules: measure those of this file of a policy bundle, instead of those of the release',
    )
    .option('--json', 'print JSON')
    .exitOverride((error) => {
      process.exit(error.exitCode === 0 ? 0 : 2);
    })
    .action(bench)
    .parseAsync(args, { from: 'user' });
}

async function bench(which: string | undefined, files: readonly string[], flags: BenchFlags): Promise<void> {
  if (which === 'drift') {
    if (flags.data === undefined) throw new UsageError('bench drift needs --data FILE…, files of recorded runs');
    const all = [flags.data, ...files];
    return benchDrift({ files: all, json: flags.json === true, fit: flags.fit, print: (line) => console.log(line) });
  }
  if (files.length > 0)
    throw new UsageError(`only bench drift takes several files, and ${files.join(', ')} is one too many`);
  const ofRuns = NAMES_OF_RUNS.find((each) => each === which);
  if (ofRuns !== undefined) {
    if (flags.data === undefined) throw new UsageError(`bench ${ofRuns} needs --data FILE, a file of recorded runs`);
    const print = (line: string): void => console.log(line);
    if (ofRuns === 'rules' && flags.rules !== undefined)
      return benchRules(flags.data, flags.json === true, print, rulesIn(flags.rules));
    return OF_RUNS[ofRuns](flags.data, flags.json === true, print);
  }
  if (which !== undefined && !Object.hasOwn(BENCHES, which))
    throw new UsageError(
      `Benchmark ${which} not found. Use one of ${[...NAMES, ...NAMES_OF_RUNS, 'drift'].join(', ')}.`,
    );
  const [rounds, size] = [wholeNumber('--rounds', flags.rounds), wholeNumber('--size', flags.size)];
  for (const name of which === undefined ? NAMES : [which as Bench]) {
    const report = new Report(name, flags.json === true, (line) => console.log(line));
    await withSystem((system, driver) => BENCHES[name]({ system, driver, rounds, size, report }));
  }
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new UsageError(`${option} must be a whole number of at least 1`);
  return value;
}

/** Starts a system and a load generator, and stops both on success, failure and signals. */
async function withSystem(work: (system: System, driver: Driver) => Promise<void>): Promise<void> {
  const system = await System.start();
  const driver = new Driver();
  const interrupted = new Promise<never>((_resolve, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => reject(new Error(`stopped by ${signal}`)));
  });
  try {
    await Promise.race([work(system, driver), interrupted]);
  } finally {
    driver.stop();
    await system.stop();
  }
}
