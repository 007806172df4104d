import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { Audit, type RawEvent, type Report } from '@bailiwick/audit/audit';
import { says } from '@bailiwick/audit/finding';
import type { BailiwickClient } from '@bailiwick/client/client';
import { parseExactly } from '@bailiwick/core/json';
import { parseCheckpoint } from '@bailiwick/transparency-log/checkpoint';
import { openNote, parseVerifierKey, type Verifier } from '@bailiwick/transparency-log/note';
import { openSubmission, type Held } from '@bailiwick/transparency-log/submission';
import { z } from 'zod';
import { readConfig } from '@bailiwick/platform/config';
import { clientFor, dataDir, UsageError, type GlobalOptions } from '../context';
import { linesIn } from '../lines';
import { rotateKey } from '../up/rotate';
import { plain } from '../render';
import { addRepairCommand } from './repairing';

interface VerifyFlags extends GlobalOptions {
  checkpoint?: string;
  vkey?: string[];
  events?: string;
}

export function addLogCommands(program: Command): void {
  const log = program.command('log').description('the transparency log');
  log
    .command('verify [log]')
    .description('recompute everything from the raw events and compare: tree, checkpoints, every rule, read models')
    .option(
      '--checkpoint <file>',
      'an earlier checkpoint that you kept; the events that it covers must not have changed',
    )
    .option('--vkey <key...>', 'the verifier keys that you trust, or files that hold them')
    .option('--events <file>', 'verify these exported events (NDJSON) instead of a running system')
    .action(async (name: string | undefined, _flags, command: Command) => {
      const options = command.optsWithGlobals<VerifyFlags>();
      const held = heldIn(options);
      const ok = options.events === undefined ? await online(options, held, name) : await offline(options, held, name);
      process.exitCode = ok ? 0 : 1;
    });
  log
    .command('checkpoint [log]')
    .description('print the newest signed tree head; keep it to detect any later change of the events that it covers')
    .option('--out <file>', 'output file; the key of its log is written to <file>.vkey')
    .option('--witnesses <n>', 'the newest one with the cosignatures of n witnesses')
    .action(async (name: string | undefined, _flags, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions & { out?: string; witnesses?: string }>();
      const client = clientFor(options, 'analyst');
      const query = options.witnesses === undefined ? '' : `?witnesses=${encodeURIComponent(options.witnesses)}`;
      const note = await text(client, `/log/${name ?? 'default/0'}/checkpoint${query}`);
      if (options.out === undefined) {
        // byte for byte, so that it verifies later
        process.stdout.write(options.json ? `${JSON.stringify({ note })}\n` : note);
        return;
      }
      writeFileSync(options.out, note);
      writeFileSync(`${options.out}.vkey`, await client.verifierKey(name ?? 'default/0'));
      console.log(`wrote ${options.out} and ${options.out}.vkey`);
    });
  addRepairCommand(log);
  addRotation(log);
  log
    .command('keys [log]')
    .description('list every key that has signed for a log, with its first size')
    .action(async (name: string | undefined, _flags, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const keys = await clientFor(options, 'analyst').get<{ items: { vkey: string; size: number; since: string }[] }>(
        `/log/${name ?? 'default/0'}/vkeys`,
      );
      if (options.json) return console.log(JSON.stringify(keys));
      for (const { vkey, size, since } of keys.items) console.log(`${vkey}   from ${size} events on, ${since}`);
    });
}

function addRotation(log: Command): void {
  log
    .command('rotate-key')
    .description('replace the signing key of the logs of this data folder; the old key signs the handover')
    .action((_flags, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const { old, fresh } = rotateKey(dataDir(options), readConfig([]).origin);
      if (options.json) return console.log(JSON.stringify({ old, new: fresh }));
      console.log(`old   ${old}\nnew   ${fresh}`);
      console.log('The ledger uses the new key after a restart: `bailiwick down`, then `bailiwick up`.');
    });
}

interface Kept {
  readonly note: string;
  readonly keys: Verifier[];
  readonly origin: string;
  readonly tree: Held;
}

/** Opens the checkpoint that the user kept, with a key that they trust. */
function heldIn({ checkpoint, vkey }: VerifyFlags): Kept | undefined {
  if (checkpoint === undefined) return undefined;
  const given = vkey ?? (existsSync(`${checkpoint}.vkey`) ? [`${checkpoint}.vkey`] : []);
  if (given.length === 0) throw new UsageError('name the key that signed the checkpoint with --vkey');
  const note = readText(checkpoint);
  const keys = given.map(keyIn);
  const opened = openNote(note, keys);
  const parsed = opened.ok ? parseCheckpoint(opened.value.text) : opened;
  if (!parsed.ok) throw new Error(`${checkpoint} is not a checkpoint signed by this key: ${parsed.error}`);
  const { origin, size, root } = parsed.value;
  return { note, keys, origin, tree: { size, root } };
}

function keyIn(given: string): Verifier {
  const key = parseVerifierKey(existsSync(given) ? readText(given) : given);
  if (!key.ok) throw new UsageError(`--vkey: ${key.error}`);
  return key.value;
}

interface Verification {
  readonly position: number;
  readonly root: string;
  readonly refolded: string;
  /** null if the state changed too fast, or is too large, to digest without delaying decisions */
  readonly live: string | null;
  /** false if the ledger's own state changed too fast to compare it */
  readonly ledgerCompared: boolean;
  readonly checkpoints: number;
  readonly findings: string[];
  readonly ok: boolean;
}

/** Lets a running system verify itself, and checks its proof that it continues the kept checkpoint. */
async function online(options: VerifyFlags, held: Kept | undefined, name = 'default/0'): Promise<boolean> {
  const client = clientFor(options, 'analyst');
  const result = await client.verification<Verification>(name);
  const proved = held && (await continues(client, held, name));
  const findings = [...result.findings, ...(proved?.ok === false ? [proved.error] : [])];
  const ok = result.ok && findings.length === 0;
  const earlier = held && { size: Number(held.tree.size), continues: proved?.ok === true };
  if (options.json) console.log(JSON.stringify({ ...result, findings, ok, ...(earlier ? { earlier } : {}) }));
  else
    print(ok, findings, [
      ['events', result.position],
      ['root', result.root],
      ['refolded', result.refolded],
      [
        'live',
        result.live ?? 'not compared: it changes too fast, or is too large, to digest without delaying decisions',
      ],
      [
        'ledger',
        result.ledgerCompared
          ? 'its own state compared, too'
          : 'not compared: its own state changes too fast, or does not fold; verify again',
      ],
      ['checkpoints', `${result.checkpoints} with that history`],
      ...(earlier?.continues ? ([['continues', `the checkpoint of ${earlier.size} events`]] as const) : []),
    ]);
  return ok;
}

async function continues(client: BailiwickClient, { origin, keys, tree }: Kept, name: string) {
  const response = await client.raw(`/log/${name}/consistency?from=${tree.size}`);
  const body = await response.text();
  if (!response.ok)
    return { ok: false as const, error: `no consistency proof from size ${tree.size}: ${body.slice(0, 300)}` };
  return openSubmission(body, { origin, keys }, tree);
}

const exported = z.object({
  log: z.string(),
  position: z.number().int(),
  type: z.string(),
  time: z.string(),
  body: z.string(),
  payload: z.string().nullish(),
});

/** Audits exported events locally against the rules and the kept checkpoint. */
async function offline(options: VerifyFlags, held: Kept | undefined, name: string | undefined): Promise<boolean> {
  const file = options.events as string;
  if (!existsSync(file)) throw new UsageError(`${file} does not exist`);
  let audit: Audit | undefined;
  const heads = held ? [{ note: held.note }] : [];
  for await (const line of linesIn(file)) {
    const event = eventIn(line);
    if (!event || (name !== undefined && event.log !== name)) continue;
    const log = name ?? event.log;
    audit ??= new Audit({ log, origin: held?.origin, keys: held?.keys ?? [], heads });
    if (event.log === audit.state.log) audit.add(event);
  }
  if (!audit) throw new UsageError(`${file} holds no events${name === undefined ? '' : ` of ${name}`}`);
  const report: Report = audit.report();
  const ok = report.findings.length === 0;
  const findings = report.findings.map(says);
  if (options.json) console.log(JSON.stringify({ ...report, findings, first: report.findings[0] ?? null, ok }));
  else
    print(ok, findings, [
      ['log', report.log],
      ['events', report.size],
      ['root', report.root],
      ['refolded', report.state],
      [
        'vouched by',
        held ? `the checkpoint of ${held.tree.size} events` : 'no checkpoint: give --checkpoint and --vkey',
      ],
    ]);
  return ok;
}

/** Parses a line; undefined for lines of an export that are not events. */
function eventIn(line: string): RawEvent | undefined {
  if (line.trim() === '') return undefined;
  try {
    const parsed = exported.safeParse(parseExactly(line));
    return parsed.success ? parsed.data : undefined;
  } catch (error) {
    throw new Error(`a line of the events is not unambiguous JSON: ${(error as Error).message.slice(0, 200)}`);
  }
}

function print(ok: boolean, findings: readonly string[], rows: readonly (readonly [string, string | number])[]): void {
  for (const [what, value] of rows) console.log(`${what.padEnd(12)}${value}`);
  for (const finding of findings) console.log(`WRONG       ${plain(finding)}`);
  console.log(ok ? 'the log verifies' : 'the log does NOT verify');
}

async function text(client: BailiwickClient, path: string): Promise<string> {
  const response = await client.raw(path);
  const body = await response.text();
  if (!response.ok) throw new Error(`${path} was refused: ${response.status} ${body.slice(0, 300)}`);
  return body;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`);
  }
}
