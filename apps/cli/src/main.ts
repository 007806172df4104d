import { Command } from 'commander';
import { ProblemError } from '@bailiwick/client/client';
import { UsageError } from './context';
import { addActionCommands } from './commands/actions';
import { addBenchCommand } from './commands/bench';
import { addBudgetCommands } from './commands/budgets';
import { addDeriveCommand } from './commands/derive';
import { addDeployCommands } from './commands/deploying';
import { addEraseCommand } from './commands/erasing';
import { addGraphCommand } from './commands/graph';
import { addKeyCommands } from './commands/keys';
import { addLeaseCommands } from './commands/leases';
import { addListCommands } from './commands/listing';
import { addLogCommands } from './commands/log';
import { addLoginCommands } from './commands/login';
import { addMcpCommands } from './commands/mcp';
import { addMineCommand } from './commands/mine';
import { addMoveCommands } from './commands/moving';
import { addPolicyCommands } from './commands/policy';
import { addReceiptCommands } from './commands/receipts';
import { addReplayCommand } from './commands/replaying';
import { addRevokeCommands } from './commands/revoking';
import { addSystemCommands } from './commands/system';
import { addSubscriberCommands } from './commands/subscribers';
import { addTenantCommands } from './commands/tenants';
import { addTokenCommands } from './commands/tokens';
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
  addSystemCommands(program);
  addActionCommands(program);
  addLeaseCommands(program);
  addListCommands(program);
  addGraphCommand(program);
  addLogCommands(program);
  addRevokeCommands(program);
  addBudgetCommands(program);
  addPolicyCommands(program);
  addDeriveCommand(program);
  addEraseCommand(program);
  addReplayCommand(program);
  addTenantCommands(program);
  addKeyCommands(program);
  addLoginCommands(program);
  addMineCommand(program);
  addMcpCommands(program);
  addTokenCommands(program);
  addSubscriberCommands(program);
  addMoveCommands(program);
  addReceiptCommands(program);
  addDeployCommands(program);
  addBenchCommand(program);
  await program.parseAsync();
}

main().catch((error: unknown) => {
  if (error instanceof ProblemError) {
    const reasons = reasonText(error.reasons);
    console.error(`${red(error.code)}: ${error.message}${reasons ? `\n${reasons}` : ''}`);
    process.exit(1);
  }
  console.error(red((error as Error).message));
  process.exit(error instanceof UsageError ? 2 : 1);
});
