import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { logName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { Admission } from '../auth/admission';
import { ConcurrencyLimiter } from '@bailiwick/edge/concurrency-limiter';
import { Refused } from '../http/problems/problem';
import type { Caller } from '../auth/caller';
import type { RequestContext } from '../http/request-context';
import { LogClient } from '../log-client/log-client';
import { CommitNotifier, type CommitListener } from './commit-notifier';

interface Page {
  readonly items: readonly { log: string; position: number; type: string }[];
  /** the position up to which the log was searched, if it continues; a page may be empty */
  readonly next: number | null;
  /** log → its newest position */
  readonly asOf: Readonly<Record<string, number>>;
}

interface Client {
  readonly raw: FastifyReply['raw'];
  readonly gone: AbortSignal;
  readonly slowMs: number;
}

/** A stream's query, with its tenant. */
type StreamQuery = Readonly<Record<string, unknown>> & { readonly tenant: string };
/** undefined once the credentials of the stream have ended */
type ReadPage = (after: number) => Promise<Page | undefined>;

const EMPTY: Page = { items: [], next: null, asOf: {} };
/** The log is polled at this interval if no notification arrives: one can be lost. */
const POLL_MS = 2_000;
const KEEPALIVE_MS = 15_000;

/** Streams committed events to clients (server-sent events). */
@Injectable()
export class EventStreams {
  private readonly limiter = new ConcurrencyLimiter(LIMITS.sseClients, LIMITS.sseClientsPerTenant, 'streams');

  constructor(
    private readonly logClient: LogClient,
    private readonly commits: CommitNotifier,
    private readonly admission: Admission,
  ) {}

  /**
   * Writes events one by one, from where the client left off. Memory per client is bounded: the next page is read after
   * the previous one is written, the next event written once the socket accepts more, and a client that accepts nothing
   * for `slowMs` is disconnected; its Last-Event-ID resumes.
   * @throws Refused before the response starts: TOO_MANY, or the refusal of the first read
   */
  async stream(
    { caller, request }: RequestContext,
    query: StreamQuery,
    reply: FastifyReply,
    slowMs: number = LIMITS.sseSlowMs,
    checkMs: number = LIMITS.sessions.streamCheckMs,
  ): Promise<void> {
    const release = this.limiter.take(caller.tenant);
    try {
      const log = (query.log as string | undefined) ?? logName(caller.tenant, 0);
      const after = resumeAt(request.headers['last-event-id'], log) ?? (query.after as number | undefined) ?? -1;
      const first = await this.page(log, { ...query, after, limit: LIMITS.ssePageEvents });
      const isOpen = this.checked(caller, request, checkMs);
      const read: ReadPage = async (from) =>
        (await isOpen()) ? this.page(log, { ...query, after: from, limit: LIMITS.ssePageEvents }) : undefined;
      reply.hijack();
      // The client may have disconnected during the first read; then no close event follows. For pipelined requests only
      // the first has the socket attached, so the socket itself is checked, too.
      if (reply.raw.destroyed || request.raw.socket.destroyed) return;
      await this.follow(request, reply, slowMs, { log, first, after, read });
    } finally {
      release();
    }
  }

  private async follow(
    { raw: { socket } }: RequestContext['request'],
    { raw }: FastifyReply,
    slowMs: number,
    { log, ...from }: { log: string; first: Page; after: number; read: ReadPage },
  ): Promise<void> {
    const commits = this.commits.listen(log);
    const gone = new AbortController();
    const leave = (): void => {
      gone.abort();
      commits.notify();
    };
    raw.once('close', leave);
    socket.setMaxListeners(LIMITS.sseClientsPerTenant + 10); // every stream of a tenant may share one connection
    socket.once('close', leave);
    try {
      await writeEvents({ raw, gone: gone.signal, slowMs }, commits, from);
    } catch {
      raw.destroy(); // the client can resume
    } finally {
      commits.stop();
      socket.off('close', leave);
    }
  }

  /** Returns a check of the credentials with which a stream was opened, at most once in `checkMs`. */
  private checked(caller: Caller, request: RequestContext['request'], checkMs: number): () => Promise<boolean> {
    let at = performance.now();
    return async () => {
      if (performance.now() - at < checkMs) return true;
      at = performance.now();
      // not a copy of the request: its address and headers are getters of its prototype
      return this.admission.isStillValid(caller, { method: 'GET', url: request.url, headers: request.headers });
    };
  }

  /** One page of events; an empty one while the ledger cannot be reached, so that the stream survives a restart. */
  private async page(log: string, body: StreamQuery & { after: number }): Promise<Page> {
    try {
      const page = await this.logClient.ledger<Page>('events', body);
      const newest = page.asOf[log];
      // otherwise the stream would wait for that position and then skip every event before it
      if (newest !== undefined && body.after > newest)
        throw new Refused('BAD_REQUEST', `${log} has no position ${body.after} yet; its newest is ${newest}`);
      return page;
    } catch (error) {
      if (error instanceof Refused && error.code === 'NOT_READY') return EMPTY;
      throw error;
    }
  }
}

async function writeEvents(
  client: Client,
  commits: CommitListener,
  from: { first: Page; after: number; read: ReadPage },
): Promise<void> {
  let { first: page, after } = from;
  let quietSince = performance.now();
  const { raw, gone } = client;
  raw.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  raw.write('retry: 1000\n\n');
  while (!gone.aborted) {
    for (const item of page.items) {
      const text = `id: ${item.log}:${item.position}\nevent: ${item.type}\ndata: ${JSON.stringify(item)}\n\n`;
      if (!(await write(client, text))) return void raw.destroy();
      after = item.position;
    }
    after = Math.max(after, page.next ?? after);
    if (page.items.length > 0) quietSince = performance.now();
    else if (page.next === null) {
      await commits.wait(POLL_MS);
      if (performance.now() - quietSince > KEEPALIVE_MS) {
        if (!(await write(client, ': keep-alive\n\n'))) return void raw.destroy();
        quietSince = performance.now();
      }
    }
    const next = gone.aborted ? EMPTY : await from.read(after);
    if (!next) return void raw.end();
    page = next;
  }
}

/** Writes, and waits while the client's buffer is full. @returns false if the client is gone or accepts nothing for too long */
function write({ raw, gone, slowMs }: Client, text: string): boolean | Promise<boolean> {
  if (raw.write(text)) return true;
  return new Promise((resolve) => {
    const done = (isTaken: boolean) => (): void => {
      clearTimeout(timer);
      raw.off('drain', drained);
      gone.removeEventListener('abort', left);
      resolve(isTaken);
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
  if (named !== log) throw new Refused('BAD_REQUEST', `Last-Event-ID must be an id of this stream: ${log}:<position>`);
  return Number(position);
}
