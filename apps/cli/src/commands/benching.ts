import type { Command } from 'commander';
import { benchDecisions } from '../bench/decisions';
import { benchDelegate } from '../bench/delegate';
import { Driver } from '../bench/driver';
import { benchLedger } from '../bench/ledger';
import { benchLog } from '../bench/log';
import { benchMemory, benchRecover } from '../bench/recover';
import { benchReplay } from '../bench/replay';
import { Report } from '../bench/report';
import { System } from '../bench/system';
import { UsageError, type GlobalOptions } from '../context';

const BENCHES = {
  decisions: benchDecisions,
  delegate: benchDelegate,
  log: benchLog,
  ledger: benchLedger,
  recover: benchRecover,
  memory: benchMemory,
  replay: benchReplay,
} as const;
type Bench = keyof typeof BENCHES;
interface BenchFlags extends GlobalOptions {
  rounds: string;
  size: string;
}

export function addBenchCommand(program: Command): void {
  program
    .command('bench [which]')
    .description(
      `measure this build against its peers, here and now: ${Object.keys(BENCHES).join(', ')}; all without a name`,
    )
    .option('--rounds <n>', 'rounds that are counted', '5')
    .option('--size <n>', 'live leases of a large state, or recorded decisions', '1000000')
    .action((which: string | undefined, _flags, command: Command) =>
      bench(which, command.optsWithGlobals<BenchFlags>()),
    );
}

async function bench(which: string | undefined, flags: BenchFlags): Promise<void> {
  if (which !== undefined && !Object.hasOwn(BENCHES, which))
    throw new UsageError(`there is no bench ${which}; there are ${Object.keys(BENCHES).join(', ')}`);
  const whole = (name: 'rounds' | 'size'): number => {
    const value = Number(flags[name]);
    if (!Number.isInteger(value) || value < 1) throw new UsageError(`--${name} is a whole number from 1 on`);
    return value;
  };
  const [rounds, size] = [whole('rounds'), whole('size')];
  for (const name of which === undefined ? (Object.keys(BENCHES) as Bench[]) : [which as Bench]) {
    const report = new Report(name, flags.json === true, (line) => console.log(line));
    await withSystem((system, driver) => BENCHES[name]({ system, driver, rounds, size, report }));
  }
}

/** Nothing that was started here is left, however it ends. */
async function withSystem(work: (system: System, driver: Driver) => Promise<void>): Promise<void> {
  const system = await System.start();
  const driver = new Driver();
  const interrupted = new Promise<never>((_resolve, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => reject(new Error(`ended by ${signal}`)));
  });
  try {
    await Promise.race([work(system, driver), interrupted]);
  } finally {
    driver.stop();
    await system.stop();
  }
}
