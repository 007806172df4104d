import { Command } from 'commander';
import { ProblemError } from '@bailiwick/client/client';
import { addCommands } from './command-groups';
import { connectionFailure } from './connection-failure';
import { UsageError } from './context';
import { red, reasonText } from './render';

/** Runs `bailiwick`. Exit codes: 0 success, 1 refused or a check failed, 2 wrong usage. */
async function main(): Promise<void> {
  const program = new Command('bailiwick')
    .description('delegated authority between AI agents: leases, decisions, receipts')
    .option('--url <url>', 'address of the service (or BAILIWICK_URL)')
    .option('--key <key>', 'API key or grant token (or BAILIWICK_KEY)')
    .option('--data <dir>', 'data folder (or BAILIWICK_DATA; default .bailiwick)')
    .option('--json', 'print JSON')
    .exitOverride((error) => {
      process.exit(error.exitCode === 0 ? 0 : 2);
    });
  await addCommands(program, process.argv.slice(2));
  await program.parseAsync();
}

main().catch((error: unknown) => {
  if (error instanceof ProblemError) {
    const reasons = reasonText(error.reasons);
    console.error(`${red(error.code)}: ${error.message}${reasons ? `\n${reasons}` : ''}`);
    process.exit(1);
  }
  console.error(red(connectionFailure(error) ?? (error as Error).message));
  process.exit(error instanceof UsageError ? 2 : 1);
});
