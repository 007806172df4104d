import type { Command } from 'commander';
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
      const answer = await clientFor(options, 'responder').enforcementPoints();
      console.log(options.json ? JSON.stringify(answer) : pointsText(answer));
      if (!answer.confirmed) process.exitCode = 1;
    });
}
