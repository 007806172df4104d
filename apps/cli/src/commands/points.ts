import type { Command } from 'commander';
import { LIMITS } from '@bailiwick/core/limits';
import { clientFor, type GlobalOptions } from '../context';
import { pointsText } from '../effect-text';

export function addPointsCommand(program: Command): void {
  program
    .command('points')
    .description(
      'show what enforces the log of the tenant, and how far; exit code 1 if a point does not enforce all of it',
    )
    .action(async (_flags, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const client = clientFor(options, 'responder');
      const { settlingMs, ...first } = await client.enforcementPoints();
      // a gateway that has just started knows every point soon
      const answer = settlingMs === undefined ? first : await client.enforcementPoints({ waitMs: waitFor(settlingMs) });
      console.log(options.json ? JSON.stringify(answer) : pointsText(answer));
      if (!answer.confirmed) process.exitCode = 1;
    });
}

const MORE_MS = 500;
const waitFor = (settlingMs: number): number => Math.min(settlingMs + MORE_MS, LIMITS.effectWaitMs);
