import type { FastifyReply } from 'fastify';
import { logName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import type { Bell } from './arrivals';
import { Refused } from '../http/problem';
import type { Context } from '../http/route';

interface Page {
  readonly items: readonly { log: string; position: number; type: string }[];
  /** up to where was looked, where there is more; a page may be empty */
  readonly next: number | null;
  /** log → its newest position */
  readonly asOf: Readonly<Record<string, number>>;
}

const NOTHING: Page = { items: [], next: null, asOf: {} };
/** without any news, the log is looked into so often: an announcement can be lost */
const LOOK_MS = 2_000;
const KEEPALIVE_MS = 15_000;
/** tenant → open streams: nobody can take all of them */
const open = new Map<string, number>();

/**
 * Committed events, one by one, from where the client left off. Little is held for a slow client: the next page is read
 * only once the last was taken, the next event written only once the socket takes more, and a client that takes nothing
 * for long is cut off; its Last-Event-ID resumes.
 * @param slowMs how long a client may take nothing
 */
export async function streamEvents(
  context: Context,
  reply: FastifyReply,
  slowMs: number = LIMITS.sseSlowMs,
): Promise<void> {
  const { tenant } = context.caller;
  const mine = open.get(tenant) ?? 0;
  const all = [...open.values()].reduce((sum, each) => sum + each, 0);
  if (all >= LIMITS.sseClients || mine >= LIMITS.sseClientsPerTenant)
    throw new Refused('TOO_MANY', 'too many streams are open; try again later');
  open.set(tenant, mine + 1);
  try {
    await stream(context, reply, slowMs);
  } finally {
    // however it ended, also where the client was gone before the first event could be read
    const left = (open.get(tenant) ?? 1) - 1;
    if (left > 0) open.set(tenant, left);
    else open.delete(tenant);
  }
}

async function stream(
  { caller, services, request, ...context }: Context,
  reply: FastifyReply,
  slowMs: number,
): Promise<void> {
  const query = context.query as { after?: number; log?: string };
  const log = query.log ?? logName(caller.tenant, 0);
  const after = resumeAt(request.headers['last-event-id'], log) ?? query.after ?? -1;
  const read = (from: number): Promise<Page> =>
    page(services.owners, log, { tenant: caller.tenant, ...query, after: from, limit: LIMITS.ssePageEvents });
  const first = await read(after); // what is refused is refused before the stream begins
  const { raw } = reply;
  const { socket } = request.raw;
  reply.hijack();
  // Gone meanwhile: it will never say that it closes. Of requests in a row on one connection, only the first has the
  // socket; of the others, nothing but the socket itself does.
  if (raw.destroyed || socket.destroyed) return;
  const bell = services.arrivals.listen(log);
  const gone = new AbortController();
  const leave = (): void => {
    gone.abort();
    bell.ring();
  };
  raw.once('close', leave);
  socket.setMaxListeners(LIMITS.sseClientsPerTenant + 10); // all of them may be on one connection
  socket.once('close', leave);
  try {
    await pour({ raw, gone: gone.signal, slowMs }, bell, first, after, read);
  } catch {
    raw.destroy(); // the client has all it needs to resume
  } finally {
    bell.stop();
    socket.off('close', leave);
  }
}

interface Client {
  readonly raw: FastifyReply['raw'];
  readonly gone: AbortSignal;
  readonly slowMs: number;
}

async function pour(
  client: Client,
  bell: Bell,
  first: Page,
  from: number,
  read: (after: number) => Promise<Page>,
): Promise<void> {
  let page = first;
  let after = from;
  let quietSince = performance.now();
  const { raw, gone } = client;
  raw.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    connection: 'keep-alive',
    'x-accel-buffering': 'no',
  });
  raw.write('retry: 1000\n\n');
  while (!gone.aborted) {
    for (const item of page.items) {
      const text = `id: ${item.log}:${item.position}\nevent: ${item.type}\ndata: ${JSON.stringify(item)}\n\n`;
      if (!(await sent(client, text))) return void raw.destroy();
      after = item.position;
    }
    after = Math.max(after, page.next ?? after);
    if (page.items.length > 0) quietSince = performance.now();
    else if (page.next === null) {
      await bell.heard(LOOK_MS);
      if (performance.now() - quietSince > KEEPALIVE_MS) {
        if (!(await sent(client, ': still here\n\n'))) return void raw.destroy();
        quietSince = performance.now();
      }
    }
    page = gone.aborted ? NOTHING : await read(after);
  }
}

/** A ledger that is away for a moment is waited for: the client has all it needs to resume if it gives up. */
async function page(
  owners: Context['services']['owners'],
  log: string,
  body: Record<string, unknown> & { after: number },
): Promise<Page> {
  try {
    const page = await owners.ledger<Page>('events', body);
    const newest = page.asOf[log];
    // it would wait for the log to come to there, and then go on as if nothing had been missed
    if (newest !== undefined && body.after > newest)
      throw new Refused('BAD_REQUEST', `${log} has no position ${body.after} yet; its newest is ${newest}`);
    return page;
  } catch (error) {
    if (error instanceof Refused && error.code === 'NOT_READY') return NOTHING;
    throw error;
  }
}

/** Writes, and waits for a client that does not take it. False where it takes nothing for too long, or is gone. */
function sent({ raw, gone, slowMs }: Client, text: string): boolean | Promise<boolean> {
  if (raw.write(text)) return true;
  return new Promise((resolve) => {
    const done = (taken: boolean) => (): void => {
      clearTimeout(timer);
      raw.off('drain', drained);
      gone.removeEventListener('abort', left);
      resolve(taken);
    };
    const [drained, left] = [done(true), done(false)];
    const timer = setTimeout(left, slowMs);
    raw.once('drain', drained);
    gone.addEventListener('abort', left);
    if (gone.aborted) left();
  });
}

function resumeAt(header: string | string[] | undefined, log: string): number | undefined {
  if (typeof header !== 'string') return undefined;
  const [, named, position] = /^(.*):(\d{1,15})$/.exec(header) ?? [];
  if (named !== log)
    throw new Refused('BAD_REQUEST', `Last-Event-ID must be an id that this stream gave: ${log}:<position>`);
  return Number(position);
}
