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
    .description('erase the payloads about a person; events, decisions and proofs do not change')
    .option('--subject <person>', 'the person as in `requestedBy`, such as user:owner@example.com')
    .option('--reason <text>', 'for the record; stored separately from the event')
    .option('--earlier-reasons', 'erase the reasons of earlier erasures, if only those are left; without --reason')
    .option('--dry-run', 'only count what would be erased')
    .action((_flags, command: Command) => erase(command.optsWithGlobals<EraseFlags>()));
}

async function erase(options: EraseFlags): Promise<void> {
  const { subject, reason, dryRun, json, earlierReasons } = options;
  if (subject === undefined) throw new UsageError('name the person with --subject, as in `requestedBy` of the runs');
  const client = clientFor(options, 'admin');
  const preview = await client.previewErasure(subject);
  if (!json || dryRun) show(preview, json === true);
  if (dryRun) return;
  const key = randomUUID();
  let result: Erased;
  do result = await client.erase(subject, reason, key, earlierReasons);
  while (!result.done); // the erasure continues in the background; the same key returns its progress
  if (json) return console.log(JSON.stringify(result));
  const { payloads, runs, name } = result.erasure;
  console.log(
    `${green('erased')} ${payloads} payloads of ${runs} runs${name ? ', and the name' : ''}; recorded at position ${result.position}`,
  );
}

function show(preview: Awaited<ReturnType<ReturnType<typeof clientFor>['previewErasure']>>, json: boolean): void {
  if (json) return console.log(JSON.stringify(preview));
  const { byType, payloads, runs, trees, liveRuns, subjectRef, earlierReasons, name, keys } = preview;
  console.log(
    `${subjectRef}: ${payloads} payloads of ${runs} runs in ${trees} trees${name ? ', and the name of the person' : ''}`,
  );
  if (payloads > 0)
    console.log(
      table(
        ['event type', 'payloads'],
        Object.entries(byType).map(([type, count]) => [type, String(count)]),
      ),
    );
  if (payloads === 0 && earlierReasons > 0)
    console.log(`reasons of earlier erasures: ${earlierReasons}; --earlier-reasons erases them`);
  if (keys.length > 0)
    console.log(
      yellow(`live keys name the person: revoke them first with \`bailiwick keys revoke\`: ${keys.join(', ')}`),
    );
  if (liveRuns > 0)
    console.log(
      yellow(
        `${liveRuns} of the runs are live; payloads that they write from now on are kept. Stop them first with \`bailiwick revoke --principal\``,
      ),
    );
}
