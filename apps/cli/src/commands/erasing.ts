import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Erased } from '@bailiwick/client/client';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { green, table, yellow } from '../render';

interface EraseFlags extends GlobalOptions {
  subject?: string;
  reason?: string;
  dryRun?: boolean;
  earlierReasons?: boolean;
}

export function addEraseCommand(program: Command): void {
  program
    .command('erase')
    .description('erase what is kept in words about a person; events, decisions and proofs stay as they are')
    .option('--subject <person>', 'as `requestedBy` named her, such as user:owner@example.com')
    .option('--reason <text>', 'for the record; kept beside the event')
    .option('--earlier-reasons', 'also where only the reasons of earlier erasures are left; without --reason')
    .option('--dry-run', 'only count what would be erased')
    .action((_flags, command: Command) => erase(command.optsWithGlobals<EraseFlags>()));
}

async function erase(options: EraseFlags): Promise<void> {
  const { subject, reason, dryRun, json, earlierReasons } = options;
  if (subject === undefined) throw new UsageError('name the person with --subject, as the runs name her');
  const client = clientFor(options, 'admin');
  const preview = await client.previewErasure(subject);
  if (!json || dryRun) show(preview, json === true);
  if (dryRun) return;
  const key = randomUUID();
  let told: Erased;
  do told = await client.erase(subject, reason, key, earlierReasons);
  while (!told.done); // it goes on by itself; the same key asks how far it is
  if (json) return console.log(JSON.stringify(told));
  const { payloads, runs } = told.erasure;
  console.log(`${green('erased')} ${payloads} payloads of ${runs} runs; recorded at position ${told.position}`);
}

function show(preview: Awaited<ReturnType<ReturnType<typeof clientFor>['previewErasure']>>, json: boolean): void {
  if (json) return console.log(JSON.stringify(preview));
  const { byType, payloads, runs, trees, liveRuns, subjectRef, earlierReasons } = preview;
  console.log(`${subjectRef}: ${payloads} payloads of ${runs} runs in ${trees} trees`);
  if (payloads > 0)
    console.log(
      table(
        ['beside', 'payloads'],
        Object.entries(byType).map(([type, count]) => [type, String(count)]),
      ),
    );
  if (payloads === 0 && earlierReasons > 0)
    console.log(`reasons of earlier erasures: ${earlierReasons}; --earlier-reasons erases them`);
  if (liveRuns > 0)
    console.log(
      yellow(
        `${liveRuns} of the runs are live: what they write from now on stays. Stop them first with \`bailiwick revoke --principal\``,
      ),
    );
}
