import type { FastifyReply } from 'fastify';
import { LIMITS } from '#kernel/limits';
import { Refused } from './refusal';
import type { Context } from './route';

interface Page {
  items: { log: string; position: number; type: string }[];
}

const POLL_MS = 500;
const KEEPALIVE_MS = 15_000;
let clients = 0;

/**
 * Committed events, one by one, from where the client left off. Nothing is held for a slow client: the next page is
 * read only once the last was taken, and a client that takes nothing for long is cut off; its Last-Event-ID resumes.
 */
export async function streamEvents(context: Context, reply: FastifyReply): Promise<void> {
  if (clients >= LIMITS.sseClients) throw new Refused('TOO_MANY', 'too many streams are open; try again later');
  const { caller, services, request } = context;
  const query = context.query as { after?: number; log?: string };
  let after = resumeAt(request.headers['last-event-id']) ?? query.after ?? -1;
  const raw = reply.raw;
  let open = true;
  clients += 1;
  raw.once('close', () => {
    open = false;
    clients -= 1;
  });
  reply.hijack();
  raw.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    connection: 'keep-alive',
    'x-accel-buffering': 'no',
  });
  raw.write('retry: 1000\n\n');
  let quietSince = Date.now();
  while (open) {
    const items = await page(services.owners, { tenant: caller.tenant, ...query, after, limit: LIMITS.eventsPageMax });
    for (const item of items) {
      if (!raw.write(`id: ${item.log}:${item.position}\nevent: ${item.type}\ndata: ${JSON.stringify(item)}\n\n`)) {
        if (!(await drained(raw))) return void raw.destroy();
      }
      after = item.position;
    }
    if (items.length > 0) quietSince = Date.now();
    else if (Date.now() - quietSince > KEEPALIVE_MS) {
      raw.write(': still here\n\n');
      quietSince = Date.now();
    }
    if (items.length === 0 && open) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** A ledger that is away for a moment is waited for: the client has all it needs to resume if it gives up. */
async function page(owners: Context['services']['owners'], body: Record<string, unknown>): Promise<Page['items']> {
  try {
    return (await owners.ledger<Page>('events', body)).items;
  } catch (error) {
    if (error instanceof Refused && error.code === 'NOT_READY') return [];
    throw error;
  }
}

const SLOW_MS = 30_000;

function drained(raw: FastifyReply['raw']): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), SLOW_MS);
    const done = (value: boolean) => (): void => {
      clearTimeout(timer);
      resolve(value);
    };
    raw.once('drain', done(true));
    raw.once('close', done(false));
  });
}

function resumeAt(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined;
  const match = /:(\d{1,15})$/.exec(header);
  if (!match) throw new Refused('BAD_REQUEST', 'Last-Event-ID must be an id that this stream gave: <log>:<position>');
  return Number(match[1]);
}
