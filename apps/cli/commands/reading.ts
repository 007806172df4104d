import type { Command } from 'commander';
import { clientFor, type GlobalOptions } from '../context';
import { plain } from '../render';

export function addReadCommands(program: Command): void {
  program
    .command('log')
    .description('the transparency log')
    .command('verify [log]')
    .description('refold the log from position 0 and compare: tree, checkpoints, state')
    .action(async (log: string | undefined, _flags, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const result = await clientFor(options, 'analyst').get<{
        position: number;
        root: string;
        refolded: string;
        live: string;
        findings: string[];
        ok: boolean;
      }>(`/v1/log/verification?log=${encodeURIComponent(log ?? 'default/0')}`);
      if (options.json) console.log(JSON.stringify(result));
      else {
        console.log(
          `events    ${result.position}\nroot      ${result.root}\nrefolded  ${result.refolded}\nlive      ${result.live}`,
        );
        for (const finding of result.findings) console.log(`WRONG     ${plain(finding)}`);
        console.log(result.ok ? 'the log verifies' : 'the log does NOT verify');
      }
      if (!result.ok) process.exitCode = 1;
    });
}
