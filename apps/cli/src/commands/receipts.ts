import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { BailiwickClient } from '@bailiwick/client/client';
import {
  ACTION_RECEIPT,
  inPartsStatement,
  RUN_RECEIPT,
  TREE_RECEIPT,
  type BrokeredCustody,
  type Envelope,
  type InParts,
  type Statement,
} from '@bailiwick/contracts/receipts/receipt';
import { named, type PersonNames } from '@bailiwick/contracts/people/person-names';
import { readUnverified } from '@bailiwick/receipts/envelope';
import { unverifiedNames } from '@bailiwick/receipts/names';
import type { Document } from '@bailiwick/receipts/human/blocks';
import { documentOf } from '@bailiwick/receipts/human/document';
import { htmlOf } from '@bailiwick/receipts/human/html';
import { markdownOf } from '@bailiwick/receipts/human/markdown';
import { verdictOf } from '@bailiwick/receipts/human/verdict';
import { isOnlyOpen } from '@bailiwick/receipts/custody';
import { renderCustody, renderReceipt } from '@bailiwick/receipts/render';
import { verifyReceipt, type Verification } from '@bailiwick/receipts/verify';
import { envelopesIn } from '@bailiwick/receipts/web/parts';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { readable } from '../names';
import { stepLines, terminalOf } from '../receipt-text';
import { plain, yellow } from '../render';

interface GetFlags extends GlobalOptions {
  out?: string;
  tree?: string;
  action?: string;
  approval?: string;
  from?: string;
  until?: string;
  format?: string;
}
interface ShowFlags extends GlobalOptions {
  format: string;
  out?: string;
}
interface VerifyFlags extends GlobalOptions {
  witness?: string[];
  quorum: string;
}

export function addReceiptCommands(program: Command): void {
  const receipt = program.command('receipt').description('signed accounts of runs, trees and actions');
  receipt
    .command('get [run]')
    .description(
      'fetch the receipt of a run or a period of it, a tree (--tree), an action (--action) or an approval (--approval)',
    )
    .option('--tree <tree>')
    .option('--action <action>')
    .option('--approval <approval>', 'of its call with each use, or of the run that asked for a lease')
    .option('--from <time>', 'start of a period of the run, such as 2026-01-31T00:00:00Z; with --until')
    .option('--until <time>', 'end of the period, which it does not contain')
    .option('--format <format>', 'text, md or html: verified and human-readable; json (default): the signed receipt')
    .option('--out <file>', 'output file; with JSON, the keys of its log are written to <file>.vkey')
    .action((run: string | undefined, _flags, command: Command) => get(run, command.optsWithGlobals<GetFlags>()));
  receipt
    .command('show <file>')
    .description('show a receipt in human-readable form; with --key also verify it')
    .option('--format <format>', 'text, md or html (one self-contained page)', 'text')
    .option('--out <file>', 'output file')
    .action((file: string, _flags, command: Command) => show(file, command.optsWithGlobals<ShowFlags>()));
  receipt
    .command('verify <file>')
    .description(
      'verify a receipt offline with the verifier key of the log; exit code 0 if verified, else 1 with the failed step',
    )
    .usage('<file> --key <verifier key, or a file that holds it; after a rotation one key per line>')
    .option('--witness <key...>', 'verifier key of a witness, or a file that holds it, to check for cosignatures')
    .option('--quorum <n>', 'required number of cosigning witnesses', '0')
    .action((file: string, _flags, command: Command) => verify(file, command.optsWithGlobals<VerifyFlags>()));
  program
    .command('custody <action>')
    .description('show the chain of authority of an action; exit code 1 if a link is missing or contradictory')
    .action((action: string, _flags, command: Command) => custody(action, command.optsWithGlobals<GlobalOptions>()));
}

async function get(run: string | undefined, flags: GetFlags): Promise<void> {
  const client = clientFor(flags, 'analyst');
  const { format = 'json' } = flags;
  const write = format === 'json' ? undefined : writerOf(format);
  const envelope = await fetchReceipt(client, run, flags);
  if (write) {
    const all: Envelope[] = [];
    for await (const each of withParts(client, envelope)) all.push(each);
    const given = all.length > 1 ? all : envelope;
    const log = (envelope.signatures[0]?.keyid ?? '').split('/').slice(-2).join('/');
    const keys = await client.verifierKeys(log);
    put(write(given, verifyReceipt(given, keys), keys), flags.out);
    return;
  }
  if (flags.out === undefined) {
    const indent = flags.json || partsIn(envelope) ? 0 : 2; // a receipt in parts has one envelope per line
    for await (const each of withParts(client, envelope)) console.log(JSON.stringify(each, null, indent));
    return;
  }
  writeFileSync(flags.out, JSON.stringify(envelope));
  let isFirst = true;
  for await (const each of withParts(client, envelope)) {
    if (!isFirst) appendFileSync(flags.out, `\n${JSON.stringify(each)}`);
    isFirst = false;
  }
  const log = (envelope.signatures[0]?.keyid ?? '').split('/').slice(-2).join('/');
  writeFileSync(`${flags.out}.vkey`, await client.verifierKeys(log));
  console.log(`wrote ${flags.out} and ${flags.out}.vkey`);
}

async function fetchReceipt(client: BailiwickClient, run: string | undefined, flags: GetFlags): Promise<Envelope> {
  const { tree, action, approval, from, until } = flags;
  if ([run, tree, action, approval].filter((each) => each !== undefined).length !== 1)
    throw new UsageError(
      'name one run, one tree with --tree, one action with --action, or one approval with --approval',
    );
  if ((from === undefined) !== (until === undefined))
    throw new UsageError('give both --from and --until for the receipt of a period, or none');
  if (from !== undefined && run === undefined) throw new UsageError('only a run has receipts of periods: name one run');
  if (tree !== undefined) return (await client.treeReceipt(tree)) as Envelope;
  if (action !== undefined) return (await client.actionReceipt(action)) as Envelope;
  if (approval !== undefined) return (await client.approvalReceipt(approval)) as Envelope;
  const period = from === undefined || until === undefined ? undefined : { from, until };
  return (await client.receipt(run as string, undefined, period)) as Envelope;
}

/** Returns the statement about its parts of a receipt in parts; undefined for a single envelope. */
function partsIn({ payload }: Envelope): InParts | undefined {
  const stated = inPartsStatement.safeParse(JSON.parse(Buffer.from(payload, 'base64').toString()));
  return stated.success ? stated.data.predicate : undefined;
}

const PATHS = { [RUN_RECEIPT]: 'runs', [TREE_RECEIPT]: 'trees', [ACTION_RECEIPT]: 'actions' } as const;

/** Yields the receipt and then each of its parts. */
async function* withParts(client: BailiwickClient, envelope: Envelope): AsyncGenerator<Envelope> {
  yield envelope;
  const stated = partsIn(envelope);
  if (!stated) return;
  const { of, size, parts } = stated;
  for (const part of parts.keys())
    yield (await client.receiptPart(PATHS[of.type], of.id, part, size, of.period)) as Envelope;
}

type Writer = (envelope: unknown, verification: Verification | undefined, keys: string | undefined) => string;

/** The human-readable formats. */
const WRITERS: Readonly<Record<string, Writer>> = {
  text: (...given) => terminalOf(readableOf(...given)),
  md: (...given) => markdownOf(readableOf(...given)),
  html: (...given) => htmlOf(readableOf(...given)),
};

/** If the receipt is verified, with the names that were verified with it. */
function readableOf(envelope: unknown, verification: Verification | undefined, keys: string | undefined): Document {
  const names: PersonNames = verification ? (verification.names ?? {}) : unverifiedNames(envelope);
  return documentOf(readStatement(envelope), verification, keys, names);
}

function writerOf(format: string): Writer {
  const writer = Object.hasOwn(WRITERS, format) ? WRITERS[format] : undefined;
  if (!writer) throw new UsageError(`--format must be one of ${Object.keys(WRITERS).join(', ')}`);
  return writer;
}

function readStatement(envelope: unknown): Statement {
  try {
    return readUnverified(envelope);
  } catch (error) {
    throw new UsageError(`this is not a receipt: ${(error as Error).message.slice(0, 200)}`);
  }
}

function show(file: string, { format, out, key }: ShowFlags): void {
  const envelope = readJson(file);
  const keys = key === undefined ? undefined : textOf(key);
  const verification = keys === undefined ? undefined : verifyReceipt(envelope, keys);
  put(writerOf(format)(envelope, verification, keys), out);
  process.exitCode = verification?.ok === false ? 1 : 0;
}

function put(text: string, out: string | undefined): void {
  if (out === undefined) process.stdout.write(text);
  else {
    writeFileSync(out, text);
    console.log(`wrote ${out}`);
  }
}

function verify(file: string, flags: VerifyFlags): void {
  const { ok, steps, statement, names = {} } = verifyFile(file, flags);
  const failed = steps.find((step) => !step.ok);
  if (flags.json) console.log(JSON.stringify({ ok, steps, ...(failed ? { failed: failed.step } : {}) }));
  else {
    for (const each of stepLines(verdictOf({ ok, steps }, undefined).steps)) console.log(each);
    if (ok && statement)
      for (const each of renderReceipt(named(statement.predicate, names)).slice(0, 3)) console.log(`  ${plain(each)}`);
  }
  process.exitCode = ok ? 0 : 1;
}

function verifyFile(file: string, { key, witness = [], quorum }: VerifyFlags): Verification {
  if (key === undefined)
    throw new UsageError(
      'name the key of the log with --key: the verifier key, or a file that holds it (`receipt get --out` writes one next to the receipt)',
    );
  if (!/^\d{1,3}$/.test(quorum)) throw new UsageError('--quorum must be a whole number');
  return verifyReceipt(readJson(file), textOf(key), { witnesses: witness.map(textOf), quorum: Number(quorum) });
}

/** Reads the key from a file if `key` names one. */
const textOf = (key: string): string => (existsSync(key) ? readFileSync(key, 'utf8') : key);

async function custody(action: string, flags: GlobalOptions): Promise<void> {
  const found = (await clientFor(flags, 'analyst').custody(action)) as BrokeredCustody;
  const chain = readable(found);
  if (flags.json) console.log(JSON.stringify(found));
  else {
    const { calledBy } = chain;
    const caller = calledBy
      ? ['', `called by ${calledBy.actionId}, whose own custody is:`, ...renderCustody(calledBy)]
      : [];
    for (const each of [...renderCustody(chain), ...caller].map(plain))
      console.log(each.startsWith('FINDING') ? yellow(each) : each);
  }
  const findings = [...chain.findings, ...(chain.calledBy?.findings ?? [])];
  process.exitCode = findings.some((finding) => !isOnlyOpen(finding)) ? 1 : 0;
}

/** Reads a file of JSON, or of one line of JSON per part. The verification checks that it is unambiguous. */
function readJson(file: string): string {
  try {
    const text = readFileSync(file, 'utf8');
    envelopesIn(text);
    return text;
  } catch (error) {
    throw new UsageError(`${file} cannot be read as JSON: ${(error as Error).message}`);
  }
}
