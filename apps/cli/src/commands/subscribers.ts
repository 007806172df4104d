import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { connectBus, type Bus } from '@bailiwick/messaging/connect';
import { EVENT_STREAM } from '@bailiwick/messaging/event-stream/event-message';
import { deleteConsumer, makeConsumer } from '@bailiwick/messaging/event-stream/subscribers';
import { adminSubject, consumerName, EVENTS_USER, streamOfTenant } from '@bailiwick/messaging/subjects';
import { reloadNats } from '@bailiwick/platform/local-servers/nats';
import type { Subscriber } from '@bailiwick/platform/local-servers/nats-permissions';
import { dataDir, UsageError, type GlobalOptions } from '../context';
import { green, table } from '../render';
import { ensureSecrets, natsUsers } from '../up/secrets';
import { addSubscriber, readSubscribers, removeSubscriber } from '../up/subscribers';
import { readStatus } from '../up/supervisor';

interface Flags extends GlobalOptions {
  tenant: string;
}

const ASK_MS = 5_000;
const RETRY_MS = 200;
const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** Adds the commands that manage subscribers of the event stream. They run on the machine of the installation. */
export function addSubscriberCommands(program: Command): void {
  const group = program
    .command('subscribers')
    .description('manage NATS users that receive the events of one tenant (JetStream)');
  group
    .command('add <name>')
    .description('create a subscriber and its durable consumer, and print how to connect')
    .option('--tenant <tenant>', 'whose events it receives', 'default')
    .action((name: string, _flags, command: Command) => add(name, command.optsWithGlobals<Flags>()));
  group
    .command('remove <name>')
    .description('delete a subscriber and its durable consumer')
    .option('--tenant <tenant>', 'whose events it received', 'default')
    .action((name: string, _flags, command: Command) => remove(name, command.optsWithGlobals<Flags>()));
  group
    .command('list')
    .description('list the subscribers')
    .action((_flags, command: Command) => list(command.optsWithGlobals<GlobalOptions>()));
}

async function add(name: string, { tenant, json, ...options }: Flags): Promise<void> {
  const dir = dataDir(options);
  const url = natsUrl(dir, { tenant, name });
  await requireTenant(dir, url, tenant);
  const subscriber = addSubscriber(dir, { tenant, name });
  reload(dir);
  const consumer = await connected(url, EVENTS_USER, ensureSecrets(dir).nats.events, (bus) =>
    makeConsumer(bus, subscriber),
  );
  const made = {
    url,
    user: consumer,
    password: subscriber.password,
    stream: EVENT_STREAM,
    consumer,
    subjects: streamOfTenant(tenant),
    inboxPrefix: `_INBOX.${consumer}`,
  };
  if (json) return console.log(JSON.stringify(made));
  console.log(`${green('made')} ${name} (tenant ${tenant})`);
  console.log(table(['setting', 'value'], Object.entries(made)));
}

async function remove(name: string, { tenant, json, ...options }: Flags): Promise<void> {
  const dir = dataDir(options);
  const url = natsUrl(dir, { tenant, name });
  if (!removeSubscriber(dir, { tenant, name })) throw new Error(`no subscriber ${name} of tenant ${tenant} exists`);
  reload(dir);
  const { events } = ensureSecrets(dir).nats;
  await connected(url, EVENTS_USER, events, (bus) => deleteConsumer(bus, { tenant, name }));
  if (json) return console.log(JSON.stringify({ removed: consumerName({ tenant, name }) }));
  console.log(`${green('removed')} ${name} (tenant ${tenant})`);
}

function list({ json, ...options }: GlobalOptions): void {
  const all = readSubscribers(dataDir(options)).map(({ tenant, name }) => ({ tenant, name }));
  if (json) return console.log(JSON.stringify(all));
  if (all.length === 0) return console.log('no subscribers; add one with `bailiwick subscribers add <name>`');
  console.log(
    table(
      ['tenant', 'name', 'user'],
      all.map((each) => [each.tenant, each.name, consumerName(each)]),
    ),
  );
}

/** The address of the running NATS server. @throws UsageError if the name is malformed or no system runs here */
function natsUrl(dir: string, { tenant, name }: Pick<Subscriber, 'tenant' | 'name'>): string {
  for (const [what, value] of [
    ['name', name],
    ['tenant', tenant],
  ] as const)
    if (!NAME.test(value))
      throw new UsageError(`the ${what} ${value} must have 1 to 63 of a-z, 0-9 and -, and not start with -`);
  const status = readStatus(dir);
  if (!status) throw new UsageError(`no system is running on ${dir}; start one with \`bailiwick up\``);
  if (status.nats.state === 'outside')
    throw new UsageError(
      'the NATS server is not managed here; add the user to its configuration (docs/subscribers.md)',
    );
  return status.nats.url;
}

/** Gives the running server the present users; connections of the others stay. */
function reload(dir: string): void {
  reloadNats({ dataDir: dir, users: natsUsers(ensureSecrets(dir)), subscribers: () => readSubscribers(dir) });
}

/** @throws Error if the installation has no such tenant: its subscriber would wait for events that never come */
async function requireTenant(dir: string, url: string, tenant: string): Promise<void> {
  const { operator } = ensureSecrets(dir).nats;
  const reply = await connected(url, 'operator', operator, (bus) =>
    bus.request(adminSubject('logs'), { tenant }, ASK_MS),
  );
  if (!reply.ok) throw new Error(`the tenants could not be read: ${reply.error.detail}`);
  const { value } = reply.value as { value?: { logs?: string[] } };
  if (!value?.logs?.length)
    throw new Error(`Tenant ${tenant} not found. Create it with \`bailiwick tenants add ${tenant}\`.`);
}

async function connected<T>(url: string, user: string, pass: string, work: (bus: Bus) => Promise<T>): Promise<T> {
  const bus = await connect(url, user, pass);
  try {
    return await work(bus);
  } finally {
    await bus.drain();
  }
}

/** A server that is reading its configuration again refuses every user for a moment. */
async function connect(url: string, user: string, pass: string): Promise<Bus> {
  const end = performance.now() + ASK_MS;
  for (;;) {
    try {
      return await connectBus({ url, user, pass, name: 'subscribers', inboxPrefix: `_INBOX.${user}` });
    } catch (error) {
      if (performance.now() > end) throw error;
      await delay(RETRY_MS);
    }
  }
}
