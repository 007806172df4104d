import type { Command } from 'commander';
import { clientFor, UsageError } from '../context';
import { red } from '../render';
import { acknowledged, addWaitOptions, printEffect } from './effect';
import { printRecord } from './revocation-record';
import { addSelectorOptions } from './selector-options';
import { checkNamed, stopAll, type StopFlags } from './stopping';

interface RevokeFlags extends StopFlags {
  endLeases?: boolean;
  record?: string;
}

export function addRevokeCommands(program: Command): void {
  const revoking = program
    .command('revoke [grant]')
    .description('revoke a grant with all below it, or everything that a selector matches');
  addWaitOptions(addSelectorOptions(revoking))
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
  checkNamed(grant, options);
  if (grant !== undefined) {
    if (options.dryRun)
      throw new UsageError('--dry-run requires a selector; `bailiwick tree` shows what is below a grant');
    const done = await acknowledged(() => clientFor(options, 'responder').revoke(grant, options.reason));
    return printEffect(options, done, `${red('revoked')} ${done.revocationId}`);
  }
  const done = await stopAll(options, { does: 'end', option: '--end-leases', leases: options.endLeases, more: {} });
  if (done) await printEffect(options, done, `${red('revoked')} ${done.revocationId}`);
}
