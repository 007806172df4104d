import type { Command } from 'commander';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import { money } from '@bailiwick/core/money';
import { clientFor, type GlobalOptions } from '../context';
import { green, plain, table } from '../render';

interface Mine {
  readonly person: string;
  readonly roles: readonly string[];
  readonly items: readonly { readonly run: RunView; readonly grant: GrantView | null }[];
}
interface MineFlags extends GlobalOptions {
  approved?: boolean;
  status?: string;
  stop?: string;
  reason?: string;
}

export function addMineCommand(program: Command): void {
  program
    .command('mine')
    .description('what runs in your name, what it holds and has spent; any of it can be stopped without a role')
    .option('--approved', 'what you approved instead')
    .option('--status <status>', 'such as active')
    .option('--stop <grant>', 'revoke this lease and everything below it')
    .option('--reason <text>', 'why it is stopped', 'stopped by the person it runs for')
    .action((_flags, command: Command) => mine(command.optsWithGlobals<MineFlags>()));
}

async function mine({ approved, status, stop, reason, ...options }: MineFlags): Promise<void> {
  const client = clientFor(options, 'analyst');
  if (stop !== undefined) {
    const done = await client.post<object>(`/v1/grants/${stop}/revocation`, { reason, subtree: true });
    return console.log(options.json ? JSON.stringify(done) : `${green('stopped')} ${stop}`);
  }
  const query = new URLSearchParams({ as: approved ? 'approver' : 'principal', ...(status ? { status } : {}) });
  const found = await client.get<Mine>(`/v1/mine?${query.toString()}`);
  if (options.json) return console.log(JSON.stringify(found));
  const what = approved ? 'approved by' : 'in the name of';
  if (found.items.length === 0) return console.log(`nothing runs ${what} ${plain(found.person)}`);
  console.log(
    table(
      ['lease', 'status', 'agent', 'purpose', 'until', 'used'],
      found.items.map(({ run, grant }) => [
        grant?.id ?? '',
        grant?.status ?? run.status,
        run.agent.class,
        run.task ?? run.purpose ?? '(erased)',
        grant?.limits.time.expiresAt ?? '',
        grant ? usedOf(grant) : '',
      ]),
    ),
  );
}

function usedOf({ consumed, limits: { budget } }: GrantView): string {
  const spent = Object.entries(consumed.cost).map(([currency, minor]) => money(minor, currency));
  return [`${consumed.calls}/${budget.calls} calls`, ...spent].join(', ');
}
