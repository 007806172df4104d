import type { Command } from 'commander';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { yellow } from '../render';
import { acknowledged, addWaitOptions, printEffect } from './effect';
import { addSelectorOptions } from './selector-options';
import { checkNamed, stopAll, type StopFlags } from './stopping';

interface SuspendFlags extends StopFlags {
  leases?: boolean;
  until?: string;
}
interface ResumeFlags extends GlobalOptions {
  reason: string;
}

export function addSuspendCommands(program: Command): void {
  const suspending = program
    .command('suspend [grant]')
    .description('suspend a grant with all below it, or everything that a selector matches, until it is resumed');
  addWaitOptions(addSelectorOptions(suspending))
    .option('--leases', 'with --tool or --verb: suspend the leases that could use it, with all below them')
    .option('--until <time>', 'RFC 3339; the suspension by selector ends then')
    .option('--reason <text>', 'for the record', 'suspended from the command line')
    .option('--quarantine', 'refuse new grants that match while it applies')
    .option('--dry-run', 'only count what it would suspend')
    .option('--digest <digest>', 'digest of a dry run; refused if more would be suspended by now')
    .option('--force', 'suspend regardless of grants issued since')
    .option('--incident <id>', 'id of the incident in another system, for the record')
    .action((grant: string | undefined, _flags, command: Command) =>
      suspend(grant, command.optsWithGlobals<SuspendFlags>()),
    );
  program
    .command('resume <suspension>')
    .description('resume a suspended grant, or everything that a suspension by selector holds')
    .option('--reason <text>', 'for the record', 'resumed from the command line')
    .action((id: string, _flags, command: Command) => resume(id, command.optsWithGlobals<ResumeFlags>()));
}

async function suspend(grant: string | undefined, options: SuspendFlags): Promise<void> {
  const { until } = options;
  checkNamed(grant, options);
  if (grant !== undefined) {
    if (until !== undefined || options.dryRun || options.quarantine)
      throw new UsageError('--until, --dry-run and --quarantine require a selector');
    const done = await acknowledged(() => clientFor(options, 'responder').suspend(grant, options.reason));
    return printEffect(options, done, `${yellow('suspended')} ${done.grant.id}`);
  }
  const more = { mode: 'suspend', ...(until === undefined ? {} : { until }) } as const;
  const done = await stopAll(options, { does: 'suspend', option: '--leases', leases: options.leases, more });
  if (!done) return;
  const end = until === undefined ? '' : ` until ${until}`;
  await printEffect(options, done, `${yellow('suspended')} ${done.revocationId}${end}`);
  if (!options.json) console.log(`to undo: bailiwick resume ${done.revocationId}`);
}

async function resume(id: string, options: ResumeFlags): Promise<void> {
  const client = clientFor(options, 'responder');
  if (id.startsWith('rev_')) {
    const done = await client.resumeAll(id, options.reason);
    console.log(
      options.json ? JSON.stringify(done) : `resumed ${done.revocationId} at ${JSON.stringify(done.positions)}`,
    );
    return;
  }
  const done = await client.resume(id, options.reason);
  console.log(options.json ? JSON.stringify(done) : `resumed ${done.grant.id}, ${done.grant.status}`);
}
