import type { Command } from 'commander';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { red } from '../render';
import { withGrowth } from './growth-text';
import { printPreview } from './preview-text';
import { printRecord } from './revocation-record';
import { addSelectorOptions, selectorOf, type SelectorFlags } from './selector-options';

interface RevokeFlags extends GlobalOptions, SelectorFlags {
  endLeases?: boolean;
  reason: string;
  dryRun?: boolean;
  digest?: string;
  force?: boolean;
  quarantine?: boolean;
  incident?: string;
  record?: string;
}

export function addRevokeCommands(program: Command): void {
  const revoking = program
    .command('revoke [grant]')
    .description('revoke a grant with all below it, or everything that a selector matches');
  addSelectorOptions(revoking)
    .option('--end-leases', 'with --tool or --verb: end the leases that could use it, with all below them')
    .option('--reason <text>', 'for the record', 'revoked from the command line')
    .option('--quarantine', 'refuse new grants that match, until lifted')
    .option('--dry-run', 'only count what it would stop')
    .option('--digest <digest>', 'digest of a dry run; refused if more would be revoked by now')
    .option('--force', 'revoke regardless of grants issued since')
    .option('--incident <id>', 'id of the incident in another system, for the record')
    .option('--record <revocation>', 'print what a revocation stopped, one line of JSON for each lease or request')
    .action((grant: string | undefined, _flags, command: Command) =>
      revoke(grant, command.optsWithGlobals<RevokeFlags>()),
    );
}

async function revoke(grant: string | undefined, options: RevokeFlags): Promise<void> {
  if (options.record !== undefined) return printRecord(clientFor(options, 'analyst'), options.record);
  const client = clientFor(options, 'responder');
  const selector = selectorOf(options);
  const deniable = selector.tool !== undefined || selector.verb !== undefined;
  const selects = Object.keys(selector).length > 0;
  if ((grant !== undefined) === selects)
    throw new UsageError('name either a grant or a selector (--class, --verb, --select, …)');
  if (grant !== undefined) {
    if (options.dryRun)
      throw new UsageError('--dry-run requires a selector; `bailiwick tree` shows what is below a grant');
    const done = await client.revoke(grant, options.reason);
    console.log(options.json ? JSON.stringify(done) : `${red('revoked')} ${done.revocationId}`);
    return;
  }
  if (options.endLeases && !deniable)
    throw new UsageError('--end-leases requires --tool or --verb; any other selector ends leases anyway');
  const target = !deniable ? undefined : options.endLeases ? 'leases' : 'tool';
  const preview =
    options.digest === undefined ? await client.previewRevocation(selector, options.quarantine, target) : undefined;
  if (preview && !options.json) printPreview(preview, target);
  if (options.dryRun) {
    if (!preview) throw new UsageError('--digest cannot be combined with --dry-run');
    console.log(
      options.json
        ? JSON.stringify(preview)
        : `to revoke exactly these, repeat the command with --digest ${preview.digest}`,
    );
    return;
  }
  const done = await client
    .revokeAll({
      selector,
      reason: options.reason,
      digest: options.digest ?? preview?.digest,
      ...(target === undefined ? {} : { target }),
      ...(options.force ? { force: true } : {}),
      ...(options.quarantine ? { quarantine: true } : {}),
      ...(options.incident === undefined ? {} : { incident: options.incident }),
    })
    .catch(withGrowth);
  console.log(
    options.json ? JSON.stringify(done) : `${red('revoked')} ${done.revocationId} at ${JSON.stringify(done.positions)}`,
  );
}
