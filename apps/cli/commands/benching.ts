import type { Command } from 'commander';
import { benchDecisions } from '../bench/decisions';
import { Driver } from '../bench/driver';
import { Report } from '../bench/report';
import { System } from '../bench/system';
import { UsageError, type GlobalOptions } from '../context';

const BENCHES = { decisions: benchDecisions } as const;
type Bench = keyof typeof BENCHES;

export function addBenchCommand(program: Command): void {
  program
    .command('bench [which]')
    .description(
      `measure this build against its peers, here and now: ${Object.keys(BENCHES).join(', ')}; all without a name`,
    )
    .option('--rounds <n>', 'rounds that are counted, at least 5', '5')
    .action((which: string | undefined, _flags, command: Command) =>
      bench(which, command.optsWithGlobals<GlobalOptions & { rounds: string }>()),
    );
}

async function bench(which: string | undefined, flags: GlobalOptions & { rounds: string }): Promise<void> {
  if (which !== undefined && !Object.hasOwn(BENCHES, which))
    throw new UsageError(`there is no bench ${which}; there are ${Object.keys(BENCHES).join(', ')}`);
  const rounds = Number(flags.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new UsageError('--rounds is a whole number from 1 on');
  for (const name of which === undefined ? (Object.keys(BENCHES) as Bench[]) : [which as Bench]) {
    const system = await System.start();
    const driver = new Driver();
    try {
      await BENCHES[name]({
        system,
        driver,
        rounds,
        report: new Report(name, flags.json === true, (line) => console.log(line)),
      });
    } finally {
      driver.stop();
      await system.stop();
    }
  }
}
