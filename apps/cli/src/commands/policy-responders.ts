import type { Command } from 'commander';
import { clientFor, type GlobalOptions } from '../context';
import { policyRespondersText } from '../policy-responders-text';
import { Progress } from '../render';
import { readFolder } from './policy-folder';
import { reported } from './policy-problems';
import { sinceOf } from './policy-time';

interface RespondersFlags extends GlobalOptions {
  since?: string;
  policy?: string;
  log?: string;
}

export function addRespondersCommand(policy: Command): void {
  policy
    .command('responders')
    .description('what the responders of a policy would have done over the recorded log; nothing is done')
    .option('--since <time>', 'an RFC 3339 time, or how long ago: 24h, 7d (7d)')
    .option('--policy <folder>', 'a folder of YAML files; left out: the version in force')
    .option('--log <log>', 'of this log, <tenant>/<n>')
    .action(async (_flags, command: Command) => {
      const flags = command.optsWithGlobals<RespondersFlags>();
      const bundle = flags.policy === undefined ? undefined : readFolder(flags.policy);
      const request = { bundle, since: sinceOf(flags.since), log: flags.log };
      await reported(flags, 'not rehearsed', async () => {
        let bar: Progress | undefined;
        const answer = await clientFor(flags, 'responder').rehearseResponders(request, ({ done, total }) => {
          bar ??= new Progress(total, 'positions');
          bar.show(done);
        });
        console.log(flags.json ? JSON.stringify(answer) : policyRespondersText(answer));
      });
    });
}
