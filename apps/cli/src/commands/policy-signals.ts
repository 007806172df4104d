import type { Command } from 'commander';
import { parseTime, rfc3339, systemClock } from '@bailiwick/core/clock';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { policySignalsText } from '../policy-signals-text';

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

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

function sinceOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const [, amount, unit] = /^([1-9]\d{0,4})([mhd])$/.exec(text) ?? [];
  if (amount !== undefined) return rfc3339(systemClock.now() - Number(amount) * UNITS[unit as keyof typeof UNITS]);
  if (parseTime(text) !== undefined) return text;
  throw new UsageError(
    `--since must be a time such as 2026-01-01T00:00:00Z, or 24h or 7d, not ${JSON.stringify(text)}`,
  );
}
