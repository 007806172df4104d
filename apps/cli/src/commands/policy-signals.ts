import type { Command } from 'commander';
import { clientFor, type GlobalOptions } from '../context';
import { policySignalsText } from '../policy-signals-text';
import { sinceOf } from './policy-time';

interface SignalsFlags extends GlobalOptions {
  since?: string;
  log?: string;
}

export function addSignalsCommand(policy: Command): void {
  policy
    .command('signals')
    .description(
      'what the answers of people and the denials suggest: prompts that are not read, leases that do not fit',
    )
    .option('--since <time>', 'an RFC 3339 time, or how long ago: 24h, 7d (7d)')
    .option('--log <log>', 'of this log, <tenant>/<n>')
    .action(async (_flags, command: Command) => {
      const flags = command.optsWithGlobals<SignalsFlags>();
      const signals = await clientFor(flags, 'analyst').policySignals(sinceOf(flags.since), flags.log);
      console.log(flags.json ? JSON.stringify(signals) : policySignalsText(signals));
    });
}
