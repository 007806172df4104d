import { existsSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { parseTime } from '@bailiwick/core/clock';
import type { Event } from '@bailiwick/contracts/events/event';
import type { Words } from '@bailiwick/contracts/events/payload';
import type { CollectedRuns } from '@bailiwick/policy/derive/collect-runs';
import type { RecordedRun } from '@bailiwick/policy/derive/recorded-run';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { readTraces } from '../demo/read-traces';
import { dim, plain, table } from '../render';
import { timeIn } from './policy-time';

interface DeriveFlags extends GlobalOptions {
  class: string;
  since?: string;
  task?: string;
  for?: string;
  log?: string;
  owner: string;
  unused?: boolean;
  reads: string;
  ask?: boolean;
}

/** Adds `derive`; what derives is loaded when the command runs. */
export function addDeriveCommand(program: Command): void {
  program
    .command('derive')
    .description(
      'the smallest lease that would have admitted recorded clean runs, as a manifest; or what leases did not use',
    )
    .requiredOption('--class <class>', 'of the agents; in a file of runs, their suite')
    .option('--since <time>', 'an RFC 3339 time, or how long ago: 24h, 7d (30d)')
    .option('--task <words>', 'only runs whose task has all of these words')
    .option('--for <task>', 'for this task, in full; runs whose task names other values count with its values')
    .option('--reads <task|class>', 'read what these runs read, or what any clean run of the class read', 'task')
    .option('--ask', 'ask a person about what is near to what these runs did, instead of denying it')
    .option('--log <log>', 'of this log, <tenant>/<n>')
    .option('--owner <owner>', 'who answers for the class, in the manifest', 'unassigned')
    .option('--unused', 'instead: what leases of the class allowed, and none used')
    .addHelpText(
      'after',
      '\n  --data FILE  derives from a file of recorded runs instead of a log, as bench rules reads them',
    )
    .action((_flags, command: Command) => derive(command.optsWithGlobals<DeriveFlags>()));
}

async function derive(flags: DeriveFlags): Promise<void> {
  const file =
    flags.data !== undefined && existsSync(flags.data) && statSync(flags.data).isFile() ? flags.data : undefined;
  if (flags.unused) {
    if (file !== undefined) throw new UsageError('--unused needs the leases of a log; a file of runs has none');
    return printUnused(await collect(flags), flags);
  }
  if (flags.reads !== 'task' && flags.reads !== 'class') throw new UsageError('--reads must be task or class');
  const all = file === undefined ? await cleanRuns(flags) : await runsOfFile(file, flags.class);
  const task = flags.for;
  const { asRunOf } = await import('@bailiwick/policy/derive/task-values');
  const runs = all.filter(hasWords(flags.task)).flatMap((run) => (task === undefined ? run : asRunOf(task, run)) ?? []);
  if (runs.length === 0) throw new UsageError(`no clean run of ${flags.class} to derive from`);
  const { deriveLease, readsIn } = await import('@bailiwick/policy/derive/derive-lease');
  const { classNovelty } = await import('@bailiwick/policy/derive/evidence');
  const { grantOf } = await import('@bailiwick/policy/derive/derived-lease');
  const { manifestText } = await import('@bailiwick/policy/derive/manifest-text');
  const asks = flags.ask === true;
  if (asks && flags.reads === 'class') throw new UsageError('--ask asks about what --reads class permits: give one');
  const reads = asks || flags.reads === 'class' ? { reads: readsIn(all) } : {};
  const lease = deriveLease(runs, { novelty: classNovelty(all), asks, ...reads });
  if (flags.json) return console.log(JSON.stringify({ runs: runs.length, grant: grantOf(lease), lease }));
  const what = task ?? flags.task;
  const words = what === undefined ? 'what its clean runs did' : `what its clean runs did for: ${what}`;
  console.log(manifestText({ agentClass: flags.class, owner: flags.owner, words }, lease));
}

/** Reads the events in the order of the log: those of the class, or all, since leases are used by what is below them. */
async function collect(flags: DeriveFlags): Promise<CollectedRuns> {
  const { CollectedRuns } = await import('@bailiwick/policy/derive/collect-runs');
  const client = clientFor(flags, 'analyst');
  const from = sinceOf(flags.since);
  const log: Record<string, string> = flags.log === undefined ? {} : { log: flags.log };
  const ofClass: Record<string, string> = flags.unused ? {} : { agentClass: flags.class };
  const runs = new CollectedRuns();
  for (let after = -1; ;) {
    const page = await client.events({ ...ofClass, from, ...log, after, limit: 1_000 });
    for (const item of page.items) {
      const { payload = null } = item as { payload?: Words };
      if (!('unreadable' in item)) runs.take(item as unknown as Event, payload);
    }
    if (page.next === null) return runs;
    after = Number(page.next);
  }
}

async function cleanRuns(flags: DeriveFlags): Promise<RecordedRun[]> {
  const { runs, others } = (await collect(flags)).clean();
  const left = [...others].map(([why, count]) => `${count}: ${why}`);
  if (left.length > 0) console.error(dim(`Left out: ${plain(left.join('; '))}.`));
  return runs;
}

async function runsOfFile(file: string, agentClass: string): Promise<RecordedRun[]> {
  const { callOfTool } = await import('@bailiwick/policy/derive/call-of-tool');
  const { DEFAULT_CATALOG } = await import('@bailiwick/policy/default-catalog');
  return (await readTraces(file))
    .filter(({ suite, class: kind }) => suite === agentClass && kind.startsWith('benign'))
    .map(({ id, suite, goal, calls }) => ({
      id,
      agentClass: suite,
      task: goal,
      calls: calls.map((call) => callOfTool(call, DEFAULT_CATALOG)),
    }));
}

function hasWords(words = ''): (run: RecordedRun) => boolean {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return ({ task }) => wanted.every((word) => task.toLowerCase().includes(word));
}

function sinceOf(text = '30d'): string {
  return parseTime(text) === undefined ? timeIn('--since', text, -1) : text;
}

async function printUnused(collected: CollectedRuns, { class: agentClass, json }: DeriveFlags): Promise<void> {
  const { unusedOf } = await import('@bailiwick/policy/derive/unused');
  const leases = [...collected.leases.values()].filter((lease) => lease.agentClass === agentClass);
  const unused = unusedOf(leases);
  if (json) return console.log(JSON.stringify({ agentClass, leases: leases.length, unused }));
  console.log(`${leases.length} leases of ${plain(agentClass)}. None of them used:`);
  console.log(
    table(
      ['allowed', 'what', 'leases', 'most used'],
      unused.map(({ kind, what, leases: of, share }) => [
        kind,
        what,
        String(of),
        share === undefined ? '' : `${Math.round(share * 100)} %`,
      ]),
    ),
  );
}
