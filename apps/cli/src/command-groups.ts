import type { Command } from 'commander';

/** Commands that one module adds. Its packages are loaded only if one of them is called, or all are listed. */
interface CommandGroup {
  readonly names: readonly string[];
  readonly add: (program: Command) => Promise<void>;
}

/** All commands, in the order of the help. `command-groups.spec.ts` compares the names with what the modules add. */
export const COMMAND_GROUPS: readonly CommandGroup[] = [
  {
    names: ['up', 'down', 'status', 'demo'],
    add: async (program) => (await import('@bailiwick/cli/commands/system')).addSystemCommands(program),
  },
  {
    names: ['run', 'delegate', 'act', 'tree', 'approvals'],
    add: async (program) => (await import('@bailiwick/cli/commands/actions')).addActionCommands(program),
  },
  {
    names: ['renew', 'narrow'],
    add: async (program) => (await import('@bailiwick/cli/commands/leases')).addLeaseCommands(program),
  },
  {
    names: ['events', 'runs', 'grants', 'actions'],
    add: async (program) => (await import('@bailiwick/cli/commands/listing')).addListCommands(program),
  },
  {
    names: ['graph'],
    add: async (program) => (await import('@bailiwick/cli/commands/graph')).addGraphCommand(program),
  },
  { names: ['log'], add: async (program) => (await import('@bailiwick/cli/commands/log')).addLogCommands(program) },
  {
    names: ['revoke'],
    add: async (program) => (await import('@bailiwick/cli/commands/revoking')).addRevokeCommands(program),
  },
  {
    names: ['suspend', 'resume'],
    add: async (program) => (await import('@bailiwick/cli/commands/suspending')).addSuspendCommands(program),
  },
  {
    names: ['revocations', 'lift'],
    add: async (program) => (await import('@bailiwick/cli/commands/in-force')).addInForceCommands(program),
  },
  {
    names: ['regrant'],
    add: async (program) => (await import('@bailiwick/cli/commands/regranting')).addRegrantCommand(program),
  },
  {
    names: ['offboard'],
    add: async (program) => (await import('@bailiwick/cli/commands/offboarding')).addOffboardCommand(program),
  },
  {
    names: ['points'],
    add: async (program) => (await import('@bailiwick/cli/commands/points')).addPointsCommand(program),
  },
  {
    names: ['drill'],
    add: async (program) => (await import('@bailiwick/cli/commands/drill')).addDrillCommand(program),
  },
  {
    names: ['budgets'],
    add: async (program) => (await import('@bailiwick/cli/commands/budgets')).addBudgetCommands(program),
  },
  {
    names: ['policy'],
    add: async (program) => (await import('@bailiwick/cli/commands/policy')).addPolicyCommands(program),
  },
  {
    names: ['derive'],
    add: async (program) => (await import('@bailiwick/cli/commands/derive')).addDeriveCommand(program),
  },
  {
    names: ['drift'],
    add: async (program) => (await import('@bailiwick/cli/commands/drift')).addDriftCommands(program),
  },
  {
    names: ['erase'],
    add: async (program) => (await import('@bailiwick/cli/commands/erasing')).addEraseCommand(program),
  },
  {
    names: ['replay'],
    add: async (program) => (await import('@bailiwick/cli/commands/replaying')).addReplayCommand(program),
  },
  {
    names: ['tenants'],
    add: async (program) => (await import('@bailiwick/cli/commands/tenants')).addTenantCommands(program),
  },
  { names: ['keys'], add: async (program) => (await import('@bailiwick/cli/commands/keys')).addKeyCommands(program) },
  {
    names: ['login', 'logout'],
    add: async (program) => (await import('@bailiwick/cli/commands/login')).addLoginCommands(program),
  },
  {
    names: ['console'],
    add: async (program) => (await import('@bailiwick/cli/commands/console')).addConsoleCommands(program),
  },
  {
    names: ['webhook'],
    add: async (program) => (await import('@bailiwick/cli/commands/webhooks')).addWebhookCommands(program),
  },
  { names: ['mcp'], add: async (program) => (await import('@bailiwick/cli/commands/mcp')).addMcpCommands(program) },
  {
    names: ['proxy'],
    add: async (program) => (await import('@bailiwick/cli/commands/proxy')).addProxyCommands(program),
  },
  { names: ['mine'], add: async (program) => (await import('@bailiwick/cli/commands/mine')).addMineCommand(program) },
  {
    names: ['tokens'],
    add: async (program) => (await import('@bailiwick/cli/commands/tokens')).addTokenCommands(program),
  },
  {
    names: ['subscribers'],
    add: async (program) => (await import('@bailiwick/cli/commands/subscribers')).addSubscriberCommands(program),
  },
  {
    names: ['export', 'import'],
    add: async (program) => (await import('@bailiwick/cli/commands/moving')).addMoveCommands(program),
  },
  {
    names: ['receipt', 'custody'],
    add: async (program) => (await import('@bailiwick/cli/commands/receipts')).addReceiptCommands(program),
  },
  {
    names: ['setup', 'migrate'],
    add: async (program) => (await import('@bailiwick/cli/commands/deploying')).addDeployCommands(program),
  },
  {
    names: ['bench'],
    add: async (program) => (await import('@bailiwick/cli/commands/bench')).addBenchCommand(program),
  },
];

/** Adds the group that has the command, or all groups if there is none: for the help and for unknown commands. */
export async function addCommands(program: Command, argv: readonly string[]): Promise<void> {
  const called = calledCommand(program, argv);
  const group = COMMAND_GROUPS.find(({ names }) => called !== undefined && names.includes(called));
  for (const { add } of group ? [group] : COMMAND_GROUPS) await add(program);
}

/** Returns the first argument that is neither an option of the program nor the value of one. */
function calledCommand(program: Command, argv: readonly string[]): string | undefined {
  const withValue = new Set(program.options.flatMap(({ long, required }) => (required && long ? [long] : [])));
  for (let index = 0; index < argv.length; index += 1) {
    const each = argv[index] as string;
    if (withValue.has(each)) index += 1;
    else if (!each.startsWith('-')) return each;
  }
  return undefined;
}
