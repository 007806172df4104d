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

/** The flags that select a kind of replay. */
const MODES = ['rebuild', 'whatIf', 'tree'] as const;

export function addReplayCommand(program: Command): void {
  program
    .command('replay')
    .description('replay the past: step through a tree, or recompute decisions under other rules')
    .option('--tree <tree>', 'step through the events of a tree (with --what-if: only this tree)')
    .option('--what-if <file>', 'recompute decisions under a change: { "change": { … } } as JSON, - for stdin')
    .option('--from <position>', 'first position')
    .option('--to <position>', 'last position')
    .option('--at <position|time>', 'with --tree: show this step first')
    .option('--limit <n>', 'with --what-if: maximum number of differences')
    .option('--rebuild', 'rebuild the read models from position 0 in parallel, compare, and switch over')
    .option('--log <log>', 'with --rebuild, --what-if: this log, <tenant>/<n>')
    .action(async (_flags, command: Command) => {
      const flags = command.optsWithGlobals<ReplayFlags>();
      if (MODES.every((mode) => flags[mode] === undefined))
        throw new UsageError('name what to replay: --tree <tree>, --what-if <file>, or --rebuild');
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

/** Steps by keys on a terminal; elsewhere, or with --json, prints all steps. */
async function stepThrough(flags: ReplayFlags, treeId: string): Promise<void> {
  const { events, names } = await readTree(clientFor(flags, 'analyst'), treeId);
  if (events.length === 0) throw new Error(`Tree ${treeId} not found.`);
  const stepper = new Stepper(treeId, events, flags.json ? {} : names);
  const from = stepper.notBefore(whole(flags.from, '--from') ?? 0);
  const to = whole(flags.to, '--to');
  const end = to === undefined ? stepper.length - 1 : stepper.notAfter({ position: to });
  const at = flags.at === undefined ? undefined : stepper.notAfter(parseAt(flags.at));
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

function parseAt(at: string): { position: number } | { time: number } {
  if (/^\d{1,15}$/.test(at)) return { position: Number(at) };
  const time = parseTime(at);
  if (time === undefined) throw new UsageError('--at must be a position or an RFC 3339 time');
  return { time };
}

function whole(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`${flag} must be a whole number`);
  return Number(text);
}
