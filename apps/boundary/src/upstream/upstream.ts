import { LIMITS } from '@bailiwick/core/limits';
import type { Logger } from '@bailiwick/platform/logging';
import { itemsOf, membersOf, valuesOf } from '../json-text';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import { readDefinition, type Definition } from '../tools/definition';
import { beginning, type Started } from './beginning';
import { Changes } from './changes';
import type { RegisteredServer } from './connect';
import {
  NO_CAPABILITY,
  NotReached,
  UpstreamGone,
  type ClientSide,
  type Connection,
  type RequestOptions,
  type UpstreamAnswer,
} from './connection';
import { inRounds } from './input-rounds';
import { argumentHeaders } from './stateless';

interface Open extends Started {
  readonly connection: Connection;
  tools: readonly Definition[] | undefined;
  readAt: number;
  /** notifications that its tools have changed */
  changed: number;
  /** those that a server of the stateless revision announces to the client of this connection */
  readonly changes: Changes | undefined;
}

/** A registered upstream server: one connection for all agents, opened when it is needed, and again after it has ended. */
export class Upstream {
  private opening: Promise<Open> | undefined;
  private reading: Promise<readonly Definition[]> | undefined;
  private failedAt = -Infinity;
  private inFlight = 0;
  private closed = false;
  /** those for one client each */
  private readonly separate = new Set<Upstream>();

  constructor(
    private readonly server: RegisteredServer,
    private readonly connect: () => Connection,
    private readonly logger: Logger,
    private readonly side?: ClientSide,
  ) {}

  get name(): string {
    return this.server.name;
  }

  /** Identifies what the name stands for: its address or its command line, without credentials. */
  get identity(): string {
    return this.server.identity;
  }

  /** Returns the same server with a separate connection, on which `side` answers. It ends with this one. */
  separately(side: ClientSide): Upstream {
    const upstream = new Upstream(this.server, this.connect, this.logger, side);
    this.separate.add(upstream);
    return upstream;
  }

  /** Returns all tools that it defines, also those for clients with capabilities that others do not have. @throws UpstreamGone */
  async offered(): Promise<readonly Definition[]> {
    const upstream = this.separately(WITH_EVERYTHING);
    try {
      return await upstream.tools();
    } finally {
      this.separate.delete(upstream);
      void upstream.close();
    }
  }

  /** Returns the definitions of its tools as it states them now, or did at most 30 s ago. @throws UpstreamGone */
  async tools(): Promise<readonly Definition[]> {
    const open = await this.open();
    if (open.tools && performance.now() - open.readAt < BOUNDARY_LIMITS.definitionsMs) return open.tools;
    this.reading ??= this.readTools(open).finally(() => (this.reading = undefined));
    return this.reading;
  }

  /** Returns the capabilities that it declares. @throws UpstreamGone */
  async capabilities(): Promise<Readonly<Record<string, unknown>>> {
    return (await this.open()).capabilities;
  }

  /** Calls a tool. @throws UpstreamGone; NotReached if the call was not sent */
  call(params: Record<string, unknown>, options: RequestOptions): Promise<UpstreamAnswer> {
    return this.request('tools/call', params, options);
  }

  /** Sends a request. @throws UpstreamGone; NotReached if it was not sent */
  async request(method: string, params: Record<string, unknown>, options: RequestOptions): Promise<UpstreamAnswer> {
    if (this.inFlight >= BOUNDARY_LIMITS.callsInFlight)
      throw new NotReached('too many calls of this server are in flight');
    this.inFlight += 1;
    try {
      const open = await this.open().catch((error: unknown) => {
        throw new NotReached((error as Error).message);
      });
      const { connection } = open;
      if (options.signal.aborted) throw new NotReached('the call was aborted');
      const signal = AbortSignal.any([options.signal, AbortSignal.timeout(BOUNDARY_LIMITS.callMs)]);
      if (!open.isStateless) return complete(await connection.request(method, params, { ...options, signal }));
      const schema = method === 'tools/call' && open.tools?.find(({ name }) => name === params.name)?.inputSchema;
      const headers = argumentHeaders(schema, params.arguments);
      const send = (more: Record<string, unknown>): Promise<UpstreamAnswer> =>
        connection.request(method, { ...params, ...more }, { ...options, signal, headers });
      return await inRounds(send, options.input, signal);
    } finally {
      this.inFlight -= 1;
    }
  }

  /** Starts to listen for what the server announces on this connection. @throws UpstreamGone */
  async listen(): Promise<void> {
    await (await this.open()).changes?.listen();
  }

  /** Asks the server to announce changes of a resource on this connection. @throws UpstreamGone */
  async subscribe(params: Record<string, unknown>, options: RequestOptions): Promise<UpstreamAnswer> {
    const { changes } = await this.open();
    return changes
      ? changes.subscribe(String(params.uri), options)
      : this.request('resources/subscribe', params, options);
  }

  async unsubscribe(uri: string, options: RequestOptions): Promise<UpstreamAnswer> {
    const { changes } = await this.open();
    return changes ? changes.unsubscribe(uri) : this.request('resources/unsubscribe', { uri }, options);
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const each of this.separate) void each.close();
    this.separate.clear();
    await this.opening?.then(({ connection }) => connection.close()).catch(() => undefined);
  }

  private open(): Promise<Open> {
    if (this.closed) return Promise.reject(new UpstreamGone('the server is no longer registered'));
    if (this.opening) return this.opening;
    if (performance.now() - this.failedAt < BOUNDARY_LIMITS.retryMs)
      return Promise.reject(new UpstreamGone('the upstream has just failed; retry in a second'));
    const opening = this.connected();
    this.opening = opening;
    const forget = (): void => {
      if (this.opening === opening) this.opening = undefined;
      this.failedAt = performance.now();
    };
    opening.then(
      ({ connection }) => void connection.ended.then(forget),
      (error: unknown) => {
        this.logger.warn({ err: error, server: this.name }, 'an upstream MCP server did not start');
        forget();
      },
    );
    return opening;
  }

  private async connected(): Promise<Open> {
    const connection = this.connect();
    try {
      const { side } = this;
      const started = await beginning(connection, side);
      const changes = side && started.isStateless ? new Changes(connection, started.capabilities) : undefined;
      const open: Open = { connection, ...started, tools: undefined, readAt: 0, changed: 0, changes };
      connection.onNotification((method, params) => {
        const { _meta: _, ...withoutMeta } = params;
        // in the stateless revision, it names a stream between the boundary and the server
        side?.notified(method, started.isStateless ? withoutMeta : params);
        if (method !== 'notifications/tools/list_changed') return;
        open.tools = undefined;
        open.changed += 1;
      });
      return open;
    } catch (error) {
      void connection.close();
      throw error instanceof UpstreamGone ? error : new UpstreamGone((error as Error).message);
    }
  }

  private async readTools(open: Open): Promise<readonly Definition[]> {
    const found: Definition[] = [];
    const { changed } = open;
    let cursor: unknown;
    for (let page = 0; page < BOUNDARY_LIMITS.listPages; page++) {
      const params = cursor === undefined ? {} : { cursor };
      const signal = AbortSignal.timeout(BOUNDARY_LIMITS.listMs);
      const answer = await open.connection.request('tools/list', params, { signal });
      if (!answer.ok)
        throw new UpstreamGone(`the upstream does not list its tools: ${answer.error.message.slice(0, 200)}`);
      const members = membersOf(answer.result);
      for (const text of itemsOf(members?.get('tools') ?? '') ?? []) found.push(readDefinition(text));
      const chars = found.reduce((sum, { raw }) => sum + raw.length, 0);
      if (found.length > LIMITS.mcp.toolsPerServer || chars > LIMITS.mcp.definitionsChars)
        throw new UpstreamGone(
          `the upstream defines more than ${LIMITS.mcp.toolsPerServer} tools, or more than ${LIMITS.mcp.definitionsChars} characters`,
        );
      cursor = (JSON.parse(answer.result) as { nextCursor?: unknown }).nextCursor;
      if (cursor === undefined || cursor === null || cursor === '') {
        const { tools } = this.server.config;
        const existing = tools ? found.filter(({ name }) => tools.includes(name)) : found;
        if (open.changed === changed) open.tools = existing;
        open.readAt = performance.now();
        return existing;
      }
    }
    throw new UpstreamGone('the upstream does not end its list of tools');
  }
}

/**
 * Returns the answer of a server of a revision with an initialization: it has results of no type. A client of 2026-07-28
 * would take one that asks for input as asked by the boundary, and no request in it was decided.
 * @throws UpstreamGone for a result that states, in any of its members of that name, that it is not complete
 */
function complete(answer: UpstreamAnswer): UpstreamAnswer {
  if (!answer.ok || !MAY_STATE_TYPE.test(answer.result)) return answer;
  const types = valuesOf(answer.result, 'resultType').map((text) => JSON.parse(text) as unknown);
  if (types.some((type) => type !== 'complete'))
    throw new UpstreamGone('the upstream answered with a result of a type that its revision does not have');
  return answer;
}
/** The name as it is written, or any escape that it could be written with. */
const MAY_STATE_TYPE = /resultType|\\u/;

/** Declares all that a client may have, so that a server offers all of its tools. */
const WITH_EVERYTHING: ClientSide = {
  capabilities: { roots: { listChanged: true }, sampling: {}, elicitation: { form: {}, url: {} } },
  request: () => Promise.resolve(NO_CAPABILITY),
  notified: () => undefined,
};
