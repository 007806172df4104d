import type { Command } from 'commander';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { Progress } from '../render';
import { readRequest } from '../replay/request';
import { whatIfText } from '../replay/what-if-text';
import { rebuildReadModels } from './rebuilding';

export interface ReplayFlags extends GlobalOptions {
  whatIf?: string;
  tree?: string;
  from?: string;
  to?: string;
  at?: string;
  limit?: string;
  rebuild?: boolean;
  log?: string;
}

/** Looking at the past: one flag says how. */
const MODES = ['rebuild', 'whatIf', 'tree'] as const;

export function addReplayCommand(program: Command): void {
  program
    .command('replay')
    .description('look at the past: step through a tree, or ask what other rules would have made of it')
    .option('--tree <tree>', 'step through the events of a tree (with --what-if: of this tree alone)')
    .option('--what-if <file>', 'decide everything again under a change: { "change": { … } } as JSON, - for stdin')
    .option('--from <position>', 'begin there')
    .option('--to <position>', 'end there')
    .option('--at <position|time>', 'step through: show this step first')
    .option('--limit <n>', 'what if: so many differences')
    .option(
      '--rebuild',
      'make the read models from position 0, beside those that are read; compare, and switch to them',
    )
    .option('--log <log>', 'rebuild: of this log, <tenant>/<n>')
    .action(async (_flags, command: Command) => {
      const flags = command.optsWithGlobals<ReplayFlags>();
      if (MODES.every((mode) => flags[mode] === undefined))
        throw new UsageError('say what to replay: --tree <tree>, --what-if <file>, or --rebuild');
      if (flags.rebuild) return rebuildReadModels(flags);
      await whatIf(flags, flags.whatIf ?? '');
    });
}

async function whatIf(flags: ReplayFlags, file: string): Promise<void> {
  const request = readRequest(file, {
    treeId: flags.tree,
    from: whole(flags.from, '--from'),
    to: whole(flags.to, '--to'),
    limit: whole(flags.limit, '--limit'),
  });
  let bar: Progress | undefined;
  const answer = await clientFor(flags, 'analyst').replay(request, ({ done, total }) => {
    bar ??= new Progress(total, 'positions');
    bar.show(done);
  });
  console.log(flags.json ? JSON.stringify(answer) : whatIfText(answer));
}

function whole(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`${flag} is a whole number`);
  return Number(text);
}
