import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { rotateTokenKey } from '@bailiwick/platform/keys/token-keys';
import { dataDir, UsageError, type GlobalOptions } from '../context';

interface RotateFlags extends GlobalOptions {
  drop?: boolean;
}

export function addTokenCommands(program: Command): void {
  program
    .command('tokens')
    .description('the key that signs the tokens of grants and actions')
    .command('rotate-key')
    .description('replace the signing key of tokens in this data folder; tokens of the former key stay valid')
    .option('--drop', 'end the tokens of all former keys at once, for a key that others have read')
    .action((_flags, command: Command) => rotate(command.optsWithGlobals<RotateFlags>()));
}

function rotate({ drop = false, ...options }: RotateFlags): void {
  const file = join(dataDir(options), 'keys', 'token.pem');
  if (!existsSync(file))
    throw new UsageError(`${file} does not exist: start the system once, or name its folder with --data`);
  const { old, fresh } = rotateTokenKey(file, { now: systemClock.now(), lifetimeMs: LIMITS.grantLifetimeMs, drop });
  if (options.json) return console.log(JSON.stringify({ old, new: fresh, dropped: drop }));
  console.log(`old   ${old}\nnew   ${fresh}`);
  console.log(
    drop
      ? 'Tokens of former keys end within a second; runs get new ones with POST /v1/runs/{id}/token.'
      : 'Every gateway of this data folder signs with the new key within a second.',
  );
}
