import type { Command } from 'commander';
import type { PolicyShadowAnswer } from '@bailiwick/contracts/policy/policy-diff';
import { parseTime, systemClock } from '@bailiwick/core/clock';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { policyShadowText } from '../policy-diff-text';
import { green } from '../render';
import { readFolder } from './policy-folder';
import { reported } from './policy-problems';
import { timeIn } from './policy-time';

interface ShadowFlags extends GlobalOptions {
  for?: string;
}

export function addShadowCommand(policy: Command): void {
  policy
    .command('shadow [folder]')
    .description(
      'compare what a bundle would decide with the version in force, for a time; without a folder: what differs',
    )
    .option('--for <duration>', 'with a folder: how long, such as 24h or 7d')
    .action(async (folder: string | undefined, _flags, command: Command) => {
      const flags = command.optsWithGlobals<ShadowFlags>();
      if ((folder === undefined) !== (flags.for === undefined))
        throw new UsageError('give a folder and --for, or neither to read what differs');
      if (folder === undefined) return report(flags);
      await reported(flags, 'not compared', () => start(flags, folder, flags.for as string));
    });
}

async function start(flags: ShadowFlags, folder: string, time: string): Promise<void> {
  const client = clientFor(flags, 'admin');
  const until = timeIn('--for', time, 1);
  const started = await client.deployPolicy(readFolder(folder), (await client.policies()).current, until);
  if (flags.json) return console.log(JSON.stringify(started));
  console.log(`${green('in shadow')} next to version ${started.version} until ${until}; nothing is decided by it`);
  console.log(started.digest);
}

async function report(flags: ShadowFlags): Promise<void> {
  const shadow = await clientFor(flags, 'analyst').get<PolicyShadowAnswer>('/v1/policies/shadow');
  if (flags.json) return console.log(JSON.stringify(shadow));
  console.log(policyShadowText(shadow, (parseTime(shadow.until) ?? 0) < systemClock.now()));
}
