import type { Command } from 'commander';
import type { BailiwickClient, EventItem } from '@bailiwick/client/client';
import type { PersonNames } from '@bailiwick/contracts/people/person-names';
import { SEARCHES } from '@bailiwick/contracts/queries/search';
import { marked } from '@bailiwick/core/look-alike';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { eventLine, namedRows } from '../event-line';
import { table } from '../render';
import { StreamNames } from '../stream-names';

type Row = Record<string, unknown>;
interface Page {
  readonly items: readonly Row[];
  readonly next: string | number | null;
  readonly names?: PersonNames;
}
interface ListFlags extends GlobalOptions {
  readonly limit: string;
  readonly all?: boolean;
  readonly follow?: boolean;
}

/** Options with a shorter name than their field. */
const SHORT: Readonly<Record<string, string>> = {
  treeId: 'tree',
  runId: 'run',
  grantId: 'grant',
  actionId: 'action',
  approvalId: 'approval',
  revocationId: 'revocation',
  commandId: 'command-id',
  parentRunId: 'parent',
  parentId: 'parent',
  parentActionId: 'parent',
  agentClass: 'class',
  agentInstance: 'instance',
  q: 'words',
  role: 'actor-role',
};
const DESCRIPTIONS: Readonly<Record<string, string>> = {
  from: 'not before this time',
  to: 'before this time',
  q: 'the purpose, task, reason or note contains all of these words',
  principal: 'the person or service on whose behalf',
  purpose: 'exactly this purpose',
  resource: 'its id',
  code: 'code of a refusal or of an end reason',
  log: '<tenant>/<n>',
  order: 'newest or oldest (default) first',
};

const text = (value: unknown): string =>
  typeof value === 'string' ? value : value == null ? '' : JSON.stringify(value);
const agentOf = (row: Row): string => marked(text((row.agent as Row | undefined)?.class));
const resourceOf = (row: Row): string => text((row.resource as Row | undefined)?.id);

/** The columns of the human-readable output. */
const COLUMNS = {
  runs: {
    run: (row) => text(row.id),
    agent: agentOf,
    status: (row) => text(row.status),
    started: (row) => text(row.startedAt),
    purpose: (row) => text(row.task ?? row.purpose).slice(0, 80),
  },
  grants: {
    grant: (row) => text(row.id),
    status: (row) => text(row.status),
    depth: (row) => text(row.depth),
    issued: (row) => text(row.issuedAt),
    run: (row) => text(row.runId),
  },
  actions: {
    position: (row) => text(row.position),
    decision: (row) => text(row.decision),
    verb: (row) => text(row.verb),
    resource: resourceOf,
    agent: (row) => marked(text(row.agentClass)),
    action: (row) => text(row.id),
  },
} satisfies Record<string, Readonly<Record<string, (row: Row) => string>>>;

/** Adds `events`, `runs`, `grants` and `actions`, with an option for each searchable field. */
export function addListCommands(program: Command): void {
  const events = listCommand(program, 'events', 'events in the order of the log')
    .option('--after <position>', 'only events after this position')
    .option('--follow', 'also print new events as they are committed');
  events.action(async (_flags, command: Command) => {
    const flags = command.optsWithGlobals<ListFlags & { after?: string }>();
    const query = { ...queryOf('events', command), ...(flags.after === undefined ? {} : { after: flags.after }) };
    const print = (event: EventItem): void => console.log(flags.json ? JSON.stringify(event) : eventLine(event));
    const client = clientFor(flags, 'analyst');
    if (flags.follow) return follow(client, query, flags.json ? undefined : namesOf(client, query), print);
    for await (const event of pages(client, 'events', query, flags)) print(event as unknown as EventItem);
  });
  for (const op of ['runs', 'grants', 'actions'] as const)
    listCommand(program, op, `${op}, by any of their fields`).action((_flags, command: Command) => list(op, command));
}

function listCommand(program: Command, op: keyof typeof SEARCHES, description: string): Command {
  const command = program.command(op).description(description);
  for (const field of Object.keys(SEARCHES[op].shape))
    command.option(`--${nameOf(field)} <${field}>`, DESCRIPTIONS[field] ?? '');
  return command.option('--limit <n>', 'maximum number', '100').option('--all', 'without a maximum');
}

const nameOf = (field: string): string =>
  SHORT[field] ?? field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const flagOf = (field: string): string =>
  nameOf(field).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

function queryOf(op: keyof typeof SEARCHES, command: Command): Record<string, string> {
  const given = command.opts<Record<string, string | undefined>>();
  const fields = Object.keys(SEARCHES[op].shape).map((field) => [field, given[flagOf(field)]] as const);
  return Object.fromEntries(fields.filter((pair): pair is [string, string] => pair[1] !== undefined));
}

async function list(op: keyof typeof COLUMNS, command: Command): Promise<void> {
  const flags = command.optsWithGlobals<ListFlags>();
  const rows: Row[] = [];
  for await (const row of pages(clientFor(flags, 'analyst'), op, queryOf(op, command), flags)) {
    if (flags.json) console.log(JSON.stringify(row));
    else rows.push(row);
  }
  const columns = Object.entries(COLUMNS[op]) as [string, (row: Row) => string][];
  if (flags.json) return;
  if (rows.length === 0) console.log('none found');
  else
    console.log(
      table(
        columns.map(([name]) => name),
        rows.map((row) => columns.map(([, read]) => read(row))),
      ),
    );
}

const PAGE = 1_000;

/** Yields the rows of all pages up to the limit. A page may be empty although more follow. */
async function* pages(
  client: BailiwickClient,
  op: keyof typeof SEARCHES,
  query: Record<string, string>,
  { limit, all, json }: ListFlags,
): AsyncGenerator<Row> {
  const most = all ? Infinity : Number(limit);
  if (!(most >= 1) || (most !== Infinity && !Number.isInteger(most)))
    throw new UsageError('--limit must be a whole number of at least 1');
  const by = op === 'events' ? 'after' : 'cursor';
  let yielded = 0;
  for (let next: Page['next'] | undefined = undefined; next !== null && yielded < most;) {
    const more: Record<string, string> = next === undefined ? {} : { [by]: String(next) };
    const params = new URLSearchParams({ ...query, ...more, limit: String(Math.min(PAGE, most - yielded)) });
    const page: Page = await client.get<Page>(`/v1/${op}?${params.toString()}`);
    yield* json ? page.items : namedRows(page);
    yielded += page.items.length;
    next = page.next;
  }
}

async function follow(
  client: BailiwickClient,
  query: Record<string, string>,
  names: StreamNames | undefined,
  print: (event: EventItem) => void,
): Promise<void> {
  let last: string | undefined;
  for (;;) {
    const response = await client.raw(
      `/v1/events/stream?${new URLSearchParams(query).toString()}`,
      last ? { 'last-event-id': last } : {},
    );
    if (!response.ok || !response.body)
      throw new Error(`the stream was refused: ${response.status} ${(await response.text()).slice(0, 300)}`);
    try {
      for await (const [id, data] of frames(response.body)) {
        last = id;
        const event = JSON.parse(data) as EventItem;
        print(names ? await names.named(event) : event);
      }
    } catch {
      // the stream broke off; it resumes after the last event
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

/** A page has the names of the people in it, which the stream has not: the page of one event is read. */
const namesOf = (client: BailiwickClient, query: Record<string, string>): StreamNames =>
  new StreamNames(async ({ position }) => {
    const { after: _, ...filter } = query;
    const before: Record<string, string> = position === 0 ? {} : { after: String(position - 1) };
    const params = new URLSearchParams({ ...filter, ...before, limit: '1' });
    return (await client.get<Page>(`/v1/events?${params.toString()}`)).names ?? {};
  });

/** Yields the ID and data of each server-sent event. */
async function* frames(body: ReadableStream<Uint8Array>): AsyncGenerator<[string, string]> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const frame = text.slice(0, end);
      text = text.slice(end + 2);
      const id = /^id: (.*)$/m.exec(frame)?.[1];
      const data = /^data: (.*)$/m.exec(frame)?.[1];
      if (id !== undefined && data !== undefined) yield [id, data];
    }
  }
}
