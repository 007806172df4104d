import type { Command } from 'commander';
import type { AttemptAnswer, DeadLetter, WebhookView } from '@bailiwick/contracts/webhooks/webhook';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { several } from '../names-and-values';
import { dim, green, red, table } from '../render';

interface AddFlags extends GlobalOptions {
  type: string[];
  secret?: string;
  disabled?: boolean;
  callbacks?: boolean;
}
interface RotateFlags extends GlobalOptions {
  secret?: string;
  overlap?: string;
}

export function addWebhookCommands(program: Command): void {
  const webhook = program.command('webhook').description('addresses that are sent the events of the tenant, signed');
  webhook
    .command('list')
    .description('the webhooks, and whether they keep up')
    .action((_flags, command: Command) => list(command.optsWithGlobals<GlobalOptions>()));
  webhook
    .command('add <name> <url>')
    .description('register a webhook for the events from now on, or replace the settings of the one of this name')
    .option('--type <type>', 'the only types of events that are sent; repeatable', several, [])
    .option('--secret <secret>', 'signs: whsec_ and base64; without it, one is generated and printed once')
    .option('--disabled', 'send nothing until it is added again without this; events wait in the log')
    .option('--callbacks', 'send what becomes of requests for access that name this address, in place of events')
    .action((name: string, url: string, _flags, command: Command) =>
      add(name, url, command.optsWithGlobals<AddFlags>()),
    );
  webhook
    .command('show <name>')
    .description('how far a webhook has come in each log, and what fails')
    .action((name: string, _flags, command: Command) => show(name, command.optsWithGlobals<GlobalOptions>()));
  webhook
    .command('rotate <name>')
    .description('replace the signing secret; the former one signs too for a time')
    .option('--secret <secret>', 'the new one; without it, one is generated and printed once')
    .option('--overlap <duration>', 'how long the former one signs too, such as 24h, which is the default')
    .action((name: string, _flags, command: Command) => rotate(name, command.optsWithGlobals<RotateFlags>()));
  webhook
    .command('test <name>')
    .description('send a signed message of type WebhookTest, once')
    .action((name: string, _flags, command: Command) =>
      attempt(`${pathOf(name)}/test`, {}, command.optsWithGlobals<GlobalOptions>()),
    );
  webhook
    .command('dead-letters <name>')
    .description('events that were not delivered and are not tried again')
    .action((name: string, _flags, command: Command) => deadLetters(name, command.optsWithGlobals<GlobalOptions>()));
  webhook
    .command('redeliver <name> <id>')
    .description('send an event again, once, such as a dead letter; its id is <log>:<position>')
    .action((name: string, id: string, _flags, command: Command) =>
      attempt(`${pathOf(name)}/redelivery`, { id }, command.optsWithGlobals<GlobalOptions>()),
    );
  webhook
    .command('remove <name>')
    .description('remove a webhook, its secrets and its dead letters')
    .action((name: string, _flags, command: Command) => remove(name, command.optsWithGlobals<GlobalOptions>()));
}

const pathOf = (name: string): string => `/v1/webhooks/${encodeURIComponent(name)}`;

async function add(
  name: string,
  url: string,
  { type, secret, disabled, callbacks, ...options }: AddFlags,
): Promise<void> {
  const body = {
    url,
    ...(type.length === 0 ? {} : { types: type }),
    ...(secret === undefined ? {} : { secret }),
    ...(disabled === true ? { enabled: false } : {}),
    ...(callbacks === true ? { callbacks } : {}),
  };
  const saved = await clientFor(options, 'admin').put<{ webhook: WebhookView; secret?: string }>(pathOf(name), body);
  if (options.json) return console.log(JSON.stringify(saved));
  console.log(`${green('registered')} ${name}`);
  printSecret(saved.secret);
}

function printSecret(secret: string | undefined): void {
  if (secret === undefined) return;
  console.log(`secret ${secret}`);
  console.log(dim('it is shown only now: give it to the receiver, which verifies each message with it'));
}

async function list(options: GlobalOptions): Promise<void> {
  const { items } = await clientFor(options, 'admin').get<{ items: WebhookView[] }>('/v1/webhooks');
  if (options.json) return console.log(JSON.stringify(items));
  if (items.length === 0) return console.log('no webhooks');
  console.log(table(['webhook', 'url', 'types', 'state', 'behind', 'dead letters'], items.map(row)));
}

function row(each: WebhookView): string[] {
  const behind = each.logs.reduce((sum, log) => sum + log.behind, 0);
  const types = each.callbacks ? 'callbacks' : each.types === undefined ? 'all' : String(each.types.length);
  return [each.name, each.url, types, stateOf(each), String(behind), String(each.deadLetters)];
}

function stateOf({ disabled, logs }: WebhookView): string {
  if (disabled) return `disabled: ${disabled.reason}`;
  const failing = logs.find(({ failingSince }) => failingSince !== undefined);
  return failing ? `failing since ${failing.failingSince ?? ''}` : 'ok';
}

async function show(name: string, options: GlobalOptions): Promise<void> {
  const webhook = await clientFor(options, 'admin').get<WebhookView>(pathOf(name));
  if (options.json) return console.log(JSON.stringify(webhook));
  console.log(`${webhook.name}: ${webhook.url}`);
  console.log(`state: ${stateOf(webhook)}`);
  console.log(`types: ${webhook.types?.join(', ') ?? 'all'}`);
  console.log(`signing secrets: ${webhook.secrets}; dead letters: ${webhook.deadLetters}`);
  const rows = webhook.logs.map((log) => [
    log.log,
    String(log.position),
    String(log.behind),
    String(log.delivered),
    String(log.failed),
    log.error === undefined ? '' : `${log.error}${log.nextAt === undefined ? '' : `; again at ${log.nextAt}`}`,
  ]);
  console.log(table(['log', 'next position', 'behind', 'delivered', 'failed attempts', 'last failure'], rows));
}

async function rotate(name: string, { secret, overlap, ...options }: RotateFlags): Promise<void> {
  const body = { ...(secret === undefined ? {} : { secret }), ...(overlap === undefined ? {} : { overlap }) };
  const rotated = await clientFor(options, 'admin').post<{ secret?: string; formerUntil: string }>(
    `${pathOf(name)}/rotation`,
    body,
  );
  if (options.json) return console.log(JSON.stringify(rotated));
  console.log(`${green('rotated')} ${name}; the former secret signs too until ${rotated.formerUntil}`);
  printSecret(rotated.secret);
}

/** Makes one attempt. It fails if the message was not delivered, so that scripts notice. */
async function attempt(path: string, body: Record<string, unknown>, options: GlobalOptions): Promise<void> {
  const { id, delivered, status, error } = await clientFor(options, 'admin').post<AttemptAnswer>(path, body);
  if (!delivered) throw new UsageError(`${id} was not delivered: ${error ?? 'no reason is known'}`);
  if (options.json) return console.log(JSON.stringify({ id, delivered, status }));
  console.log(`${green('delivered')} ${id}: ${status ?? ''}`);
}

async function deadLetters(name: string, options: GlobalOptions): Promise<void> {
  const { items } = await clientFor(options, 'admin').get<{ items: DeadLetter[] }>(`${pathOf(name)}/dead-letters`);
  if (options.json) return console.log(JSON.stringify(items));
  if (items.length === 0) return console.log('no dead letters');
  const rows = items.map(({ id, type, attempts, error, at }) => [id, type, String(attempts), at, red(error)]);
  console.log(table(['id', 'type', 'attempts', 'at', 'last failure'], rows));
}

async function remove(name: string, options: GlobalOptions): Promise<void> {
  await clientFor(options, 'admin').delete(pathOf(name));
  console.log(`${green('removed')} ${name}`);
}
