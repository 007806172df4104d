import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { grantRequest, type GrantRequest } from '@bailiwick/contracts/grants/grant';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { yellow } from '../render';

export function addLeaseCommands(program: Command): void {
  program
    .command('renew <grant>')
    .description('renew a live lease for one more length of it, and print its new token')
    .action(async (grant: string, _flags, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const done = await clientFor(options, 'orchestrator').renew(grant);
      console.log(options.json ? JSON.stringify(done) : `until ${done.expiresAt}\ntoken ${done.token}`);
    });
  program
    .command('narrow <grant>')
    .description('tighten a live lease, at once for everything below it')
    .requiredOption('--file <file>', 'the limits that become tighter, as JSON; the others stay')
    .option('--reason <text>', 'for the record', 'narrowed from the command line')
    .action(async (grant: string, _flags, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions & { file: string; reason: string }>();
      const done = await clientFor(options, 'responder').narrow(grant, readLimits(options.file), options.reason);
      if (options.json) return console.log(JSON.stringify(done));
      console.log(`narrowed ${done.grant.id} at position ${done.position}`);
      if (done.exhausted)
        console.log(yellow(`the lease has ended: its use so far has reached ${done.exhausted.join(', ')}`));
    });
}

function readLimits(file: string): GrantRequest {
  let raw: unknown;
  try {
    raw = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UsageError(`${file} holds no JSON: ${(error as Error).message}`);
  }
  const parsed = grantRequest.safeParse(raw);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new UsageError(`${file}: ${faults.join('; ')}`);
}
