import type { Command } from 'commander';
import { LIMITS } from '@bailiwick/core/limits';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { policyDiffText } from '../policy-diff-text';
import { Progress } from '../render';
import { readFolder } from './policy-folder';
import { reported } from './policy-problems';

interface DiffFlags extends GlobalOptions {
  against?: string;
  last?: string;
  log?: string;
}

export function addDiffCommand(policy: Command): void {
  policy
    .command('diff [folder]')
    .description('what a bundle changes: meanings, live leases, pending requests, and the last decisions decided again')
    .addHelpText('after', '\n  folder  a folder of YAML files; left out: the bundle of this release')
    .option('--against <version>', 'compare with this version; left out: the one in force')
    .option('--last <n>', `decide this many of the last decisions again (${LIMITS.policy.diffDecisions})`)
    .option('--log <log>', 'the decisions of this log, <tenant>/<n>')
    .action(async (folder: string | undefined, _flags, command: Command) =>
      diff(folder, command.optsWithGlobals<DiffFlags>()),
    );
}

async function diff(folder: string | undefined, flags: DiffFlags): Promise<void> {
  const { readDefaultBundle } = await import('@bailiwick/policy/default-bundle');
  const bundle = folder === undefined ? readDefaultBundle() : readFolder(folder);
  const request = {
    bundle,
    against: whole('--against', flags.against),
    last: whole('--last', flags.last),
    log: flags.log,
  };
  await reported(flags, 'not compared', async () => {
    let bar: Progress | undefined;
    const answer = await clientFor(flags, 'admin').diffPolicy(request, ({ done, total }) => {
      bar ??= new Progress(total, 'positions');
      bar.show(done);
    });
    console.log(flags.json ? JSON.stringify(answer) : policyDiffText(answer, folder ?? 'the bundle of this release'));
  });
}

function whole(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^(0|[1-9]\d{0,14})$/.test(text))
    throw new UsageError(`${flag} must be a whole number, not ${JSON.stringify(text)}`);
  return Number(text);
}
