import { createWriteStream, existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { Option, type Command } from 'commander';
import type { BailiwickClient } from '@bailiwick/client/client';
import type { ExportHeader, ExportLine, ImportView } from '@bailiwick/contracts/transfer/export';
import { ExportReader } from '@bailiwick/transparency-log/exported';
import { LIMITS } from '@bailiwick/core/limits';
import { readImportKeys } from '@bailiwick/platform/keys/import-keys';
import { clientFor, dataDir, UsageError, type GlobalOptions } from '../context';
import { linesIn, linesOf } from '../lines';
import { Progress } from '../progress';
import { ocsfLine } from '../ocsf/ocsf';
import { green } from '../render';

export function addMoveCommands(program: Command): void {
  program
    .command('export')
    .description('export the tenant as NDJSON, up to its state at the start of the export, and verify each line')
    .option('--out <file>', 'output file (compressed if it ends in .gz); default: standard output')
    .addOption(
      new Option('--format <format>', 'ocsf: decisions, leases, revocations and approvals in classes of OCSF 1.3.0')
        .choices(['bailiwick', 'ocsf'])
        .default('bailiwick'),
    )
    .action((_flags, command: Command) => exportTenant(command.optsWithGlobals<ExportFlags>()));
  program
    .command('import <file>')
    .description('import an exported tenant into this installation, whose tenant of that name must be empty')
    .option('--tenant <name>', 'create this tenant first and print its keys')
    .option('--vkey <key>', 'verifier key of the log from a trusted source; it must have signed the export')
    .option(
      '--origin-key <key>',
      'the same, and pin it: write it to import-keys.json in the data directory, which only the operator can write',
    )
    .option('--continue', 'move the tenant: its leases stay alive; without this flag they end')
    .option('--other-pseudonyms', 'accept that keys/pseudonym.key differs from the exporting installation')
    .action((file: string, _flags, command: Command) => importTenant(file, command.optsWithGlobals<ImportFlags>()));
}

interface ExportFlags extends GlobalOptions {
  out?: string;
  format: 'bailiwick' | 'ocsf';
}

/**
 * Verifies each line, and shows progress.
 * @param written what is written for a line; undefined: nothing
 */
function checking(
  reader: ExportReader,
  progress: Progress,
  written: (line: string, event: ExportLine | undefined) => string | undefined,
): Transform {
  return new Transform({
    readableObjectMode: false,
    writableObjectMode: true,
    transform(line: string, _encoding, done) {
      try {
        const event = reader.take(line);
        progress.at(reader.events, sizeOf(reader.header));
        const text = written(line, event);
        done(null, text === undefined ? undefined : `${text}\n`);
      } catch (error) {
        done(error as Error);
      }
    },
  });
}

const sizeOf = (header: ExportHeader | undefined): number => header?.logs.reduce((sum, { size }) => sum + size, 0) ?? 0;

async function exportTenant(options: ExportFlags): Promise<void> {
  const { out, format } = options;
  const response = await clientFor(options, 'admin').raw('/v1/export');
  if (!response.ok || !response.body)
    throw new Error(`the export was refused: ${response.status} ${(await response.text()).slice(0, 300)}`);
  const reader = new ExportReader();
  const progress = new Progress('exported');
  const lines = linesOf(Readable.fromWeb(response.body as never));
  const unfinished = out === undefined ? undefined : `${out}.unfinished`;
  const target: Writable = unfinished === undefined ? process.stdout : createWriteStream(unfinished, { mode: 0o600 });
  let mapped = 0;
  const verifier = checking(reader, progress, (line, event) => {
    if (format !== 'ocsf') return line;
    const text = event && ocsfLine(event);
    if (text !== undefined) mapped += 1;
    return text;
  });
  const end = { end: unfinished !== undefined };
  if (out?.endsWith('.gz')) await pipeline(lines, verifier, createGzip(), target, end);
  else await pipeline(lines, verifier, target, end);
  progress.end();
  const { events, payloads, logs } = reader.done(); // an incomplete file keeps the suffix .unfinished
  if (out === undefined || unfinished === undefined) return;
  renameSync(unfinished, out);
  if (format === 'ocsf') {
    if (options.json) return console.log(JSON.stringify({ file: out, events, mapped, logs }));
    return console.log(`${green('exported')} ${mapped} of ${events} events in classes of OCSF: ${out}`);
  }
  if (options.json) return console.log(JSON.stringify({ file: out, events, payloads, logs }));
  for (const { log, size, root } of logs) console.log(`${log}  ${size} events  root ${root}`);
  console.log(`${green('exported')} ${events} events, ${payloads} payloads: ${out}`);
}

interface ImportFlags extends GlobalOptions {
  tenant?: string;
  vkey?: string;
  originKey?: string;
  continue?: boolean;
  otherPseudonyms?: boolean;
}

async function importTenant(file: string, options: ImportFlags): Promise<void> {
  const { json } = options;
  // verifies the whole file first, so that a malformed one is refused before anything is sent
  const verified = await verifyFile(file);
  const header = verified.header as ExportHeader;
  for (const [flag, key] of [
    ['--vkey', options.vkey],
    ['--origin-key', options.originKey],
  ])
    if (key !== undefined && !header.logs.every(({ vkey }) => vkey.trim() === key.trim()))
      throw new Error(`the export is not signed by the key named with ${flag}`);
  if (options.originKey !== undefined) pin(options.originKey.trim(), options);
  if (options.tenant !== undefined && options.tenant !== header.tenant)
    throw new UsageError(
      `the file holds the tenant ${header.tenant}, which cannot be renamed because its events name it`,
    );
  const { client, keys } = await clientOf(options);
  const { otherPseudonyms, continue: live } = options;
  let view = await client.post<ImportView>('/v1/imports', {
    header,
    ...(otherPseudonyms ? { otherPseudonyms } : {}),
    ...(live ? { continue: live } : {}),
  });
  if (view.state === 'receiving') view = await send(file, client, view);
  const progress = new Progress('checked');
  if (view.state === 'receiving') view = await client.post<ImportView>('/v1/imports/completion', {});
  while (view.state === 'checking') {
    progress.at(view.checked, verified.events);
    await new Promise((resolve) => setTimeout(resolve, 250));
    view = await client.get<ImportView>('/v1/imports');
  }
  progress.end();
  if (view.state !== 'done') throw new Error(`the import was refused and has no effect: ${view.detail ?? ''}`);
  const logs = header.logs.map(({ log, size, root }) => ({ log, size, root }));
  if (json) return console.log(JSON.stringify({ tenant: header.tenant, events: verified.events, logs, ...keys }));
  if (keys) console.log(`tenant ${header.tenant}, keys (shown only once): ${JSON.stringify(keys.keys)}`);
  for (const { log, size, root } of logs) console.log(`${log}  ${size} events  root ${root}`);
  console.log(`${green('imported')} ${verified.events} events, ${verified.payloads} payloads`);
}

/** Pins an export key in the data directory, which only the operator of the installation can write. */
function pin(vkey: string, options: ImportFlags): void {
  const dir = dataDir(options);
  if (!existsSync(dir))
    throw new UsageError(
      `${dir} holds no installation to pin the key for: name one with --data, or add the key to import-keys.json of its delegation service`,
    );
  const file = join(dir, 'import-keys.json');
  const others = readImportKeys(file).filter((each) => each.vkey.trim() !== vkey);
  // a crash leaves either the old file or the new one
  writeFileSync(
    `${file}.new`,
    `${JSON.stringify([...others, { vkey, continue: options.continue === true }], null, 2)}\n`,
    {
      mode: 0o600,
    },
  );
  renameSync(`${file}.new`, file);
}

async function verifyFile(file: string): Promise<ExportReader> {
  const reader = new ExportReader();
  const progress = new Progress('read');
  for await (const line of linesIn(file)) {
    reader.take(line);
    progress.at(reader.events, sizeOf(reader.header));
  }
  progress.end();
  reader.done();
  return reader;
}

/** Returns a client with the key of the new tenant if one is created, else with the configured key. */
async function clientOf(
  options: ImportFlags,
): Promise<{ client: BailiwickClient; keys?: { keys: Record<string, string> } }> {
  const client = clientFor(options, 'admin');
  if (options.tenant === undefined || options.tenant === 'default') return { client };
  const made = await client.post<{ keys: Record<string, string> }>('/v1/tenants', { id: options.tenant });
  return { client: client.as(made.keys.admin as string), keys: { keys: made.keys } };
}

/** Sends the events that the installation lacks; after an interruption the next import continues there. */
async function send(file: string, client: BailiwickClient, started: ImportView): Promise<ImportView> {
  const reader = new ExportReader();
  const progress = new Progress('sent');
  let view = started;
  let batch: ExportLine[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    if (batch.length > 0) view = await client.post<ImportView>('/v1/imports/events', { events: batch });
    batch = [];
    bytes = 0;
    progress.at(reader.events, sizeOf(reader.header));
  };
  for await (const line of linesIn(file)) {
    const event = reader.take(line);
    if (!event || event.position < (started.next[event.log] ?? 0)) continue;
    const length = Buffer.byteLength(line) + 1;
    if (batch.length >= LIMITS.importEventsAtOnce || bytes + length > LIMITS.httpBodyBytes - 1_000) await flush();
    batch.push(event);
    bytes += length;
  }
  await flush();
  progress.end();
  return view;
}
