import type { Command } from 'commander';
import { parseTime } from '@bailiwick/core/clock';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { Progress } from '../render';
import { readRequest } from '../replay/request';
import { drawOn, keysOf, stepLine, stepText, walk } from '../replay/shell';
import { Stepper } from '../replay/stepper';
import { readTree } from '../replay/tree-events';
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
    .option('--log <log>', 'rebuild, what if: of this log, <tenant>/<n>')
    .action(async (_flags, command: Command) => {
      const flags = command.optsWithGlobals<ReplayFlags>();
      if (MODES.every((mode) => flags[mode] === undefined))
        throw new UsageError('say what to replay: --tree <tree>, --what-if <file>, or --rebuild');
      if (flags.rebuild) return rebuildReadModels(flags);
      if (flags.whatIf !== undefined) await whatIf(flags, flags.whatIf);
      else await stepThrough(flags, flags.tree ?? '');
    });
}

async function whatIf(flags: ReplayFlags, file: string): Promise<void> {
  const request = readRequest(file, {
    treeId: flags.tree,
    from: whole(flags.from, '--from'),
    to: whole(flags.to, '--to'),
    limit: whole(flags.limit, '--limit'),
    log: flags.log,
  });
  let bar: Progress | undefined;
  const answer = await clientFor(flags, 'analyst').replay(request, ({ done, total }) => {
    bar ??= new Progress(total, 'positions');
    bar.show(done);
  });
  console.log(flags.json ? JSON.stringify(answer) : whatIfText(answer));
}

/** On a terminal, by keys; elsewhere, or as JSON, one step after the other. */
async function stepThrough(flags: ReplayFlags, treeId: string): Promise<void> {
  const told = await readTree(clientFor(flags, 'analyst'), treeId);
  if (told.length === 0) throw new Error(`no tree ${treeId} is known here`);
  const stepper = new Stepper(treeId, told);
  const from = stepper.notBefore(whole(flags.from, '--from') ?? 0);
  const to = whole(flags.to, '--to');
  const end = to === undefined ? stepper.length - 1 : stepper.notAfter({ position: to });
  const at = flags.at === undefined ? undefined : stepper.notAfter(place(flags.at));
  if (process.stdin.isTTY && process.stdout.isTTY && !flags.json) {
    await walk(stepper, at ?? Math.min(from, end), keysOf(process.stdin), drawOn(process.stdout));
    return;
  }
  if (at !== undefined) {
    const step = stepper.step(at);
    console.log(flags.json ? JSON.stringify(step) : stepText(step));
    return;
  }
  for (let index = from; index <= end; index++) {
    const { tree: _, ...step } = stepper.step(index);
    console.log(flags.json ? JSON.stringify(step) : stepLine({ ...step, tree: undefined }));
  }
}

function place(at: string): { position: number } | { time: number } {
  if (/^\d{1,15}$/.test(at)) return { position: Number(at) };
  const time = parseTime(at);
  if (time === undefined) throw new UsageError('--at is a position or an RFC 3339 time');
  return { time };
}

function whole(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`${flag} is a whole number`);
  return Number(text);
}
