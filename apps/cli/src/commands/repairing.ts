import type { Command } from 'commander';
import type { UnreadableView } from '@bailiwick/contracts/queries/query';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { green, plain, table, yellow } from '../render';

interface RepairFlags extends GlobalOptions {
  position?: string;
  digest?: string;
  reason?: string;
}

export function addRepairCommand(log: Command): void {
  log
    .command('repair [log]')
    .description('list stored events that cannot be read; with --position and --digest, set one aside permanently')
    .option('--position <n>', 'position of the unreadable event that you have examined')
    .option('--digest <sha256:…>', 'digest of its stored bytes, as the list shows it')
    .option('--reason <text>', 'for the record; stored separately from the event')
    .action((name: string | undefined, _flags, command: Command) =>
      repair(command.optsWithGlobals<RepairFlags>(), name),
    );
}

/** Lists unreadable events; sets one aside if both position and digest are given. */
async function repair(options: RepairFlags, log: string | undefined): Promise<void> {
  const { position, digest, reason, json } = options;
  const client = clientFor(options, 'admin');
  if (position === undefined && digest === undefined) return show(await client.unreadable(log), json === true);
  if (position === undefined || digest === undefined)
    throw new UsageError('name the event by --position and by --digest, both as `bailiwick log repair` lists them');
  if (!/^\d{1,15}$/.test(position))
    throw new UsageError(`--position ${position} is not a position; give a whole number`);
  const done = await client.setAside({
    ...(log === undefined ? {} : { log }),
    position: Number(position),
    bodyDigest: digest,
    ...(reason === undefined ? {} : { reason }),
  });
  if (json) return console.log(JSON.stringify(done));
  console.log(`${green('set aside')} the event at position ${position}; recorded at position ${done.position}`);
}

function show(view: UnreadableView, json: boolean): void {
  if (json) return console.log(JSON.stringify(view));
  if (view.items.length === 0) return console.log(`every event of ${view.log} can be read, or is set aside`);
  const rows = view.items.map((each) => [String(each.position), each.treeId ?? 'the whole log', plain(each.why)]);
  console.log(table(['position', 'blocks', 'why'], rows));
  for (const { position, bodyDigest, body } of view.items) {
    console.log(`\nposition ${position}   ${bodyDigest}`);
    console.log(plain(body));
  }
  console.log(yellow('\nSet one aside with --position and --digest: its tree is ended. No stored byte changes.'));
}
