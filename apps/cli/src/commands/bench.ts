import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { UsageError, type GlobalOptions } from '../context';

/** Part of the repository, not of an installation: `tools/bench` depends on this package, not the reverse. */
const BENCH = resolve(__dirname, '..', '..', '..', '..', 'tools', 'bench', 'dist', 'main.js');

/** The interface between this command and `tools/bench/src/main.ts`. */
interface BenchModule {
  runBench(args: readonly string[]): Promise<void>;
}

export function addBenchCommand(program: Command): void {
  program
    .command('bench')
    .description('compare this build with other software on this machine; only in a clone of the repository')
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false)
    .action(async (_flags, command: Command) => {
      if (!existsSync(BENCH))
        throw new UsageError(
          'Benchmarks are not part of this installation. Clone the repository, run `npm install` and `npm run build` there, then run `npx bailiwick bench`.',
        );
      const bench = (await import(pathToFileURL(BENCH).href)) as BenchModule;
      const { json, data } = command.optsWithGlobals<GlobalOptions>();
      const options = [...(json ? ['--json'] : []), ...(data === undefined ? [] : ['--data', data])];
      await bench.runBench([...command.args, ...options]);
    });
}
