import { randomUUID } from 'node:crypto';
import { Refused } from '@bailiwick/edge/refused';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import { denialError } from '../calls/answers';
import type { GovernedOptions, GovernedRequests } from '../calls/governed';
import {
  NO_CAPABILITY,
  UpstreamGone,
  type ClientAnswer,
  type ClientSide,
  type InputRequest,
  type RequestOptions,
  type UpstreamAnswer,
} from '../upstream/connection';
import type { Upstream } from '../upstream/upstream';
import { isObject } from '../json-text';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import { Announced } from './announced';
import { serverOperation } from './server-requests';

type Json = Record<string, unknown>;

/** A way to ask a client something: a stream that is open to it, or a call of it that waits. */
export interface Asker {
  /** @param request its id is unique; its key is the name that the server gives it */
  ask(
    request: { id: string; key?: string | undefined; method: string; params: Json },
    signal: AbortSignal,
  ): Promise<ClientAnswer>;
  notify(method: string, params: Json): void;
}

/** One client of one run with one server, by a connection for it alone: what the server asks, it asks this client. */
export class Session implements ClientSide {
  readonly upstream: Upstream;
  readonly server: Upstream;
  readonly client: string | undefined;
  private readonly claims: TokenClaims;
  private readonly announced: Announced;
  readonly closed = new AbortController();
  usedAt = performance.now();
  private readonly byRequest: Asker[] = [];
  private readonly streams: Asker[] = [];
  /** requests in flight from whose results fields must be removed */
  private reduced = 0;
  private asking = 0;
  private uses = 0;

  constructor(
    { claims, upstream, client }: { claims: TokenClaims; upstream: Upstream; client?: string | undefined },
    readonly capabilities: Json,
    private readonly requests: GovernedRequests,
  ) {
    this.claims = claims;
    this.server = upstream;
    this.announced = new Announced(upstream.name);
    this.client = client;
    this.upstream = upstream.separately(this);
  }

  get tenant(): string {
    return this.claims.tenant;
  }

  get grantId(): string {
    return this.claims.grantId;
  }

  /** Reports whether neither a request nor a stream uses it. */
  get isIdle(): boolean {
    return this.uses + this.byRequest.length + this.streams.length === 0;
  }

  /** Registers a use: what uses it keeps its connection. @returns what ends it, once */
  use(): () => void {
    this.uses += 1;
    this.usedAt = performance.now();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.uses -= 1;
      this.usedAt = performance.now();
    };
  }

  /**
   * Registers a way to ask the client: a separate stream, or that of a request. Requests are the first choice for what a
   * server asks, and streams get what belongs to no request.
   * @returns what ends it
   * @throws Refused NOT_READY if the client has too many streams
   */
  attach(asker: Asker, kind: 'request' | 'stream' = 'request'): () => void {
    const askers = kind === 'request' ? this.byRequest : this.streams;
    if (askers === this.streams && askers.length >= BOUNDARY_LIMITS.streamsPerSession)
      throw new Refused('NOT_READY', 'the client has too many streams open; close one, or try again');
    askers.push(asker);
    return () => {
      const at = askers.indexOf(asker);
      if (at >= 0) askers.splice(at, 1);
      this.usedAt = performance.now();
    };
  }

  /**
   * Registers a way to ask the client during a request of it.
   * @param isReduced fields must be removed from its result: what the server asks or logs until its end may have them
   */
  during(asker: Asker | undefined, isReduced: boolean): () => void {
    const detach = asker && this.attach(asker);
    const over = this.use();
    if (isReduced) this.reduced += 1;
    return () => {
      if (isReduced) this.reduced -= 1;
      detach?.();
      over();
    };
  }

  /** Subscribes to a resource after its decision; changes are passed on from then on. */
  async subscribe(params: Json, options: RequestOptions): Promise<UpstreamAnswer> {
    const uri = String(params.uri);
    if (!this.announced.hasRoomFor(uri)) return TOO_MANY;
    return this.ifAgreed(this.announced.subscribe(uri), () => this.upstream.subscribe(params, options));
  }

  /** Takes note that the client unsubscribes: changes of the resource are not passed on from now on. */
  unsubscribed(uri: string): void {
    this.announced.unsubscribe(uri);
  }

  /** Sets the level of log messages after its decision; they are passed on from then on. */
  setLevel(params: Json, options: GovernedOptions): Promise<UpstreamAnswer> {
    return this.ifAgreed(this.announced.log(params), () => this.send('logging/setLevel', params, options));
  }

  private async ifAgreed(takeBack: () => void, ask: () => Promise<UpstreamAnswer>): Promise<UpstreamAnswer> {
    const over = this.use();
    let isAgreed = false;
    try {
      const answer = await ask();
      isAgreed = answer.ok;
      return answer;
    } finally {
      over();
      if (!isAgreed) takeBack();
    }
  }

  /** Decides again what the session announces, if its decision is due to end. */
  decideAgain(): Promise<void> {
    return this.announced.decideAgain(this.requests, this.claims, this.closed.signal);
  }

  /**
   * Sends a request of the client, during which the server may ask it.
   * @param asker how the client can be asked during its request, in addition to its streams
   */
  send(
    method: string,
    params: Json,
    { isReduced, ...options }: GovernedOptions,
    asker?: Asker,
  ): Promise<UpstreamAnswer> {
    const end = this.during(asker, isReduced);
    const input: RequestOptions['input'] = (requests, signal) => this.requestAll(requests, asker, signal);
    return this.upstream.request(method, params, { ...options, input }).finally(end);
  }

  /** Decides what the server asks for at once, and then asks the client for all that is permitted together. */
  private requestAll(
    requests: readonly InputRequest[],
    asker: Asker | undefined,
    call: AbortSignal,
  ): Promise<ClientAnswer[]> {
    const together = new Together(requests.length);
    return Promise.all(
      requests.map(async ({ key, method, params }) => {
        let isAsked = false;
        const ask = (signal: AbortSignal): Promise<UpstreamAnswer> => {
          isAsked = true;
          return together.start(() => this.ask({ key, method, params }, signal, asker));
        };
        try {
          return await this.decided(method, params, ask, AbortSignal.any([call, this.closed.signal]));
        } finally {
          if (!isAsked) together.giveUp();
        }
      }),
    );
  }

  /** Decides a request of the server, and asks the client if it is permitted. */
  request(method: string, params: Json): Promise<ClientAnswer> {
    return this.decided(method, params, (signal) => this.ask({ method, params }, signal));
  }

  private async decided(
    method: string,
    params: Json,
    ask: (signal: AbortSignal) => Promise<UpstreamAnswer>,
    until: AbortSignal = this.closed.signal,
  ): Promise<ClientAnswer> {
    const { name } = this.upstream;
    const operation = serverOperation(name, method, params, this.capabilities);
    if (!operation.ok) return { error: { code: -32601, message: operation.error } };
    if (this.asking >= BOUNDARY_LIMITS.askedAtOnce)
      return { error: { code: -32603, message: 'the client is asked too much at a time' } };
    if (this.reduced > 0) return { error: { code: -32601, message: 'the client must not be asked during this call' } };
    this.asking += 1;
    try {
      const outcome = await this.requests.run(
        this.claims,
        {
          ...operation.value,
          server: name,
          approvalId: undefined,
          send: ({ signal }) => ask(signal),
          isCall: false,
        },
        until,
      );
      if (!outcome) return NO_CAPABILITY;
      if ('denial' in outcome) return { error: denialError(outcome.denial) };
      return outcome.ok ? { result: JSON.parse(outcome.result) as unknown } : { error: outcome.error };
    } catch (error) {
      return { error: { code: -32603, message: (error as Error).message.slice(0, 200) } };
    } finally {
      this.asking -= 1;
    }
  }

  notified(method: string, params: Json): void {
    const isChange =
      LIST_CHANGES.has(method) ||
      (method === 'notifications/resources/updated' && this.announced.mayAnnounce(String(params.uri)));
    if (isChange) return this.streams.at(-1)?.notify(method, params);
    if (
      method === 'notifications/elicitation/complete' ||
      (method === 'notifications/message' && this.announced.mayLog)
    )
      if (this.reduced === 0) this.newest?.notify(method, params);
  }

  private get newest(): Asker | undefined {
    return this.byRequest.at(-1) ?? this.streams.at(-1);
  }

  close(): void {
    this.closed.abort();
    void this.upstream.close();
  }

  private async ask(
    request: { key?: string; method: string; params: Json },
    signal: AbortSignal,
    asker = this.newest,
  ): Promise<UpstreamAnswer> {
    if (!asker) throw new UpstreamGone('the client has no stream open, so that it cannot be asked');
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(BOUNDARY_LIMITS.callMs)]);
    const answer = await asker.ask({ id: `srv_${randomUUID()}`, ...request }, bounded);
    if ('error' in answer) return { ok: false, error: answer.error };
    if (!isObject(answer.result)) throw new UpstreamGone('the client sent a malformed answer');
    return { ok: true, result: JSON.stringify(answer.result) };
  }
}

const TOO_MANY: UpstreamAnswer = {
  ok: false,
  error: {
    code: -32602,
    message: `a client is subscribed to at most ${BOUNDARY_LIMITS.subscriptions} resources; unsubscribe from one`,
  },
};

/** Starts several works in the same turn, once each of them is ready or given up. */
class Together {
  private readonly ready: (() => void)[] = [];

  constructor(private missing: number) {}

  start<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.ready.push(() => void work().then(resolve, reject));
      this.giveUp();
    });
  }

  giveUp(): void {
    this.missing -= 1;
    if (this.missing === 0) for (const go of this.ready) go();
  }
}

const LIST_CHANGES: ReadonlySet<string> = new Set([
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
]);
