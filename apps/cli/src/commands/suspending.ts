import type { Command } from 'commander';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { withGrowth } from './growth-text';
import { printPreview } from './preview-text';
import { addSelectorOptions, selectorOf, type SelectorFlags } from './selector-options';

interface SuspendFlags extends GlobalOptions, SelectorFlags {
  leases?: boolean;
  reason: string;
  until?: string;
  dryRun?: boolean;
  digest?: string;
  force?: boolean;
  quarantine?: boolean;
  incident?: string;
}
interface ResumeFlags extends GlobalOptions {
  reason: string;
}

export function addSuspendCommands(program: Command): void {
  const suspending = program
    .command('suspend [grant]')
    .description('suspend a grant with all below it, or everything that a selector matches, until it is resumed');
  addSelectorOptions(suspending)
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
  const client = clientFor(options, 'responder');
  const selector = selectorOf(options);
  const deniable = selector.tool !== undefined || selector.verb !== undefined;
  if ((grant !== undefined) === Object.keys(selector).length > 0)
    throw new UsageError('name either a grant or a selector (--class, --verb, --select, …)');
  if (grant !== undefined) {
    if (options.until !== undefined || options.dryRun || options.quarantine)
      throw new UsageError('--until, --dry-run and --quarantine require a selector');
    const done = await client.suspend(grant, options.reason);
    console.log(options.json ? JSON.stringify(done) : `suspended ${done.grant.id}`);
    return;
  }
  if (options.leases && !deniable)
    throw new UsageError('--leases requires --tool or --verb; any other selector suspends leases anyway');
  const target = !deniable ? undefined : options.leases ? 'leases' : 'tool';
  const preview =
    options.digest === undefined ? await client.previewRevocation(selector, options.quarantine, target) : undefined;
  if (preview && !options.json) printPreview(preview, target, { option: '--leases', does: 'suspend' });
  if (options.dryRun) {
    if (!preview) throw new UsageError('--digest cannot be combined with --dry-run');
    console.log(
      options.json
        ? JSON.stringify(preview)
        : `to suspend exactly these, repeat the command with --digest ${preview.digest}`,
    );
    return;
  }
  const done = await client
    .revokeAll({
      selector,
      mode: 'suspend',
      reason: options.reason,
      digest: options.digest ?? preview?.digest,
      ...(options.until === undefined ? {} : { until: options.until }),
      ...(target === undefined ? {} : { target }),
      ...(options.force ? { force: true } : {}),
      ...(options.quarantine ? { quarantine: true } : {}),
      ...(options.incident === undefined ? {} : { incident: options.incident }),
    })
    .catch(withGrowth);
  const end = options.until === undefined ? '' : ` until ${options.until}`;
  console.log(
    options.json
      ? JSON.stringify(done)
      : `suspended ${done.revocationId} at ${JSON.stringify(done.positions)}${end}; to undo: bailiwick resume ${done.revocationId}`,
  );
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
