import { connect, DebugEvents, ErrorCode, Events, type NatsConnection, type NatsError, type Status } from 'nats';
import { setTimeout as delay } from 'node:timers/promises';
import { err, ok, type Result } from '@bailiwick/core/result';
import { decode, encode, readReply, toHeaders, type Headers } from './nest-transport/codec';
import { busFailure, type BusFailure } from './failure';
import { BUS_LIMITS } from './bus-limits';
import { PartRequests } from './nest-transport/parts';
import { serveSubject, type Handler, type ServeOptions, type Serving } from './nest-transport/serve';

export interface BusOptions {
  /** `nats://host:port`, several separated by commas */
  url: string;
  user?: string;
  pass?: string;
  /** the connecting service, as the server displays it */
  name: string;
  /** prefix of the reply subjects of this connection; the server's permissions may allow each user only its own */
  inboxPrefix?: string;
  /** how long `connectBus` tries to establish the first connection */
  connectMs?: number;
}

export type BusState = 'connected' | 'disconnected' | 'closed';

export interface BusStatus {
  readonly state: BusState;
  /** `host:port` of the last server of this connection */
  readonly server: string;
  readonly reconnects: number;
}

/** An event for health checks and logs. `error` is asynchronous, such as a subject that is not permitted. */
export type BusEvent =
  { type: 'connected' | 'disconnected' | 'closed'; server: string } | { type: 'error'; detail: string };

export interface RequestOptions {
  /** such as `traceparent` */
  headers?: Headers;
  /** called with each part of a reply in several messages, before the last one; unchecked input, too */
  onPart?: (part: unknown) => void;
}

/** A connection to NATS. It reconnects indefinitely; while it is disconnected every request fails at once. */
export interface Bus {
  /**
   * Sends a JSON value and waits for the reply. Never throws for network failures: the failure is typed, and the caller
   * fails closed on it (I11). The reply is unchecked input: parse it.
   *
   * @param timeoutMs 1 to `BUS_LIMITS.requestTimeoutMs`
   */
  request(
    subject: string,
    payload: unknown,
    timeoutMs: number,
    options?: RequestOptions,
  ): Promise<Result<unknown, BusFailure>>;
  /** Answers the requests of a subject; survives reconnects. */
  serve(subject: string, handler: Handler, options?: ServeOptions): Serving;
  /** Sends a JSON value to all listeners, if there are any; `ok` means only that the socket accepted it. */
  publish(subject: string, payload: unknown, options?: RequestOptions): Result<void, BusFailure>;
  /**
   * Receives what is published on a subject (`*` and `>` match any token). Messages may be lost, so they are hints
   * only. The payload is unchecked input; the listener also gets the subject of the message. Survives reconnects; returns
   * a function that stops it.
   */
  listen(subject: string, listener: (payload: unknown, subject: string) => void): () => void;
  /** Measures the round trip to the server in milliseconds. */
  ping(timeoutMs: number): Promise<Result<number, BusFailure>>;
  status(): BusStatus;
  /** Calls the listener on every change; returns a function that stops it. */
  onEvent(listener: (event: BusEvent) => void): () => void;
  /** Stops serving, answers the accepted requests, and closes; takes at most `BUS_LIMITS.drainMs`. Idempotent. */
  drain(): Promise<void>;
}

/**
 * Connects, and retries for at most `connectMs` while the server cannot be reached. Throws an error for people if there
 * is no server, or if it refuses the user.
 */
export async function connectBus(options: BusOptions): Promise<Bus> {
  const deadline = performance.now() + (options.connectMs ?? BUS_LIMITS.connectMs);
  for (;;) {
    try {
      const timeout = Math.min(BUS_LIMITS.dialMs, Math.max(1, deadline - performance.now()));
      return new NatsBus(await dial(options, timeout), options.inboxPrefix);
    } catch (error) {
      const { code, message } = error as NatsError;
      if (code === ErrorCode.AuthorizationViolation || code === ErrorCode.BadAuthentication) {
        throw new Error(
          `NATS at ${options.url} refuses user ${JSON.stringify(options.user ?? '')}: check the bus credentials`,
        );
      }
      if (performance.now() + BUS_LIMITS.reconnectDelayMs >= deadline) {
        throw new Error(
          `no NATS server answers at ${options.url} (${message}): check that it is running and the address is right`,
          { cause: error },
        );
      }
      await delay(BUS_LIMITS.reconnectDelayMs);
    }
  }
}

function dial(options: BusOptions, timeout: number): Promise<NatsConnection> {
  return connect({
    servers: options.url.split(',').map((server) => server.trim().replace(/^nats:\/\//, '')),
    user: options.user,
    pass: options.pass,
    name: options.name,
    inboxPrefix: options.inboxPrefix,
    timeout,
    maxReconnectAttempts: -1,
    reconnectTimeWait: BUS_LIMITS.reconnectDelayMs,
    reconnectJitter: BUS_LIMITS.reconnectJitterMs,
    ignoreAuthErrorAbort: true, // a server may refuse the user for a moment while it is reconfigured
    pingInterval: BUS_LIMITS.pingEveryMs,
    maxPingOut: 2,
    noAsyncTraces: true,
  });
}

const SUBJECT = /^[A-Za-z0-9_$-]+(\.[A-Za-z0-9_$-]+)*$/;
const SERVED = /^([A-Za-z0-9_$-]+|\*)(\.([A-Za-z0-9_$-]+|\*))*(\.>)?$/;

/**
 * Refuses a subject with a space or a line end, since subjects are written unchanged into the protocol's command line.
 */
function checkSubject(subject: string, form: RegExp): void {
  if (subject.length > 255 || !form.test(subject)) throw new Error(`not a subject: ${JSON.stringify(subject)}`);
}

const connections = new WeakMap<Bus, { nats: NatsConnection; inboxPrefix: string | undefined }>();

/** Returns the connection under a bus, for the other files of this library. */
export function natsOf(bus: Bus): { nats: NatsConnection; inboxPrefix: string | undefined } {
  const connection = connections.get(bus);
  if (!connection) throw new Error('this bus was not created by connectBus');
  return connection;
}

class NatsBus implements Bus {
  private state: BusState = 'connected';
  private reconnects = 0;
  private draining: Promise<void> | undefined;
  private readonly servings = new Set<Serving>();
  private readonly waiting = new Set<() => void>();
  private readonly listeners = new Set<(event: BusEvent) => void>();
  private parts: PartRequests | undefined;

  constructor(
    private readonly nats: NatsConnection,
    private readonly inboxPrefix: string | undefined,
  ) {
    connections.set(this, { nats, inboxPrefix });
    void this.watch();
  }

  async request(
    subject: string,
    payload: unknown,
    timeoutMs: number,
    options: RequestOptions = {},
  ): Promise<Result<unknown, BusFailure>> {
    checkSubject(subject, SUBJECT);
    if (!(timeoutMs >= 1 && timeoutMs <= BUS_LIMITS.requestTimeoutMs)) {
      throw new Error(`timeoutMs is ${timeoutMs}; want 1 to ${BUS_LIMITS.requestTimeoutMs}`);
    }
    const unsent = this.whyNotSend(subject);
    if (unsent) return err(unsent);
    if (this.waiting.size >= BUS_LIMITS.requestsInFlight) {
      return err(
        busFailure('BUSY', subject, `${BUS_LIMITS.requestsInFlight} requests of this connection wait for their reply`),
      );
    }
    const data = encode(payload);
    if (!data.ok) return err(busFailure(data.error.code, subject, data.error.detail, { mayHaveRun: false }));
    const headers = options.headers && toHeaders(options.headers);

    return new Promise((resolve) => {
      const settle = (result: Result<unknown, BusFailure>): void => {
        this.waiting.delete(onDrop);
        resolve(result);
      };
      // The NATS client would wait for the timeout; the caller learns of the lost connection at once.
      const onDrop = (): void =>
        settle(err(busFailure('DISCONNECTED', subject, 'the connection broke before the reply arrived')));
      this.waiting.add(onDrop);
      const { onPart } = options;
      const sent = onPart
        ? this.inParts().request(subject, data.value, { timeout: timeoutMs, headers }, (msg) => {
            const part = readReply(subject, msg);
            if (part.ok && this.waiting.has(onDrop)) onPart(part.value);
          })
        : this.nats.request(subject, data.value, { timeout: timeoutMs, headers });
      sent.then(
        (msg) => settle(readReply(subject, msg)),
        (error: unknown) => settle(err(failureOf(subject, timeoutMs, error))),
      );
    });
  }

  private inParts(): PartRequests {
    return (this.parts ??= new PartRequests(this.nats, this.inboxPrefix));
  }

  serve(subject: string, handler: Handler, options: ServeOptions = {}): Serving {
    checkSubject(subject, SERVED);
    const serving = serveSubject(this.nats, subject, handler, options);
    const stop = async (): Promise<void> => {
      await serving.stop();
      this.servings.delete(tracked);
    };
    const tracked: Serving = {
      get pending() {
        return serving.pending;
      },
      stop,
    };
    this.servings.add(tracked);
    return tracked;
  }

  publish(subject: string, payload: unknown, options: RequestOptions = {}): Result<void, BusFailure> {
    checkSubject(subject, SUBJECT);
    const unsent = this.whyNotSend(subject);
    if (unsent) return err(unsent);
    const data = encode(payload);
    if (!data.ok) return err(busFailure(data.error.code, subject, data.error.detail, { mayHaveRun: false }));
    try {
      this.nats.publish(subject, data.value, { headers: options.headers && toHeaders(options.headers) });
      return ok(undefined);
    } catch (error) {
      return err(failureOf(subject, 0, error));
    }
  }

  listen(subject: string, listener: (payload: unknown, subject: string) => void): () => void {
    checkSubject(subject, SERVED);
    const subscription = this.nats.subscribe(subject, {
      callback: (error, msg) => {
        const payload = error ? undefined : decode(msg.data);
        if (payload?.ok) listener(payload.value, msg.subject);
      },
    });
    return () => {
      if (!subscription.isClosed()) subscription.unsubscribe();
    };
  }

  async ping(timeoutMs: number): Promise<Result<number, BusFailure>> {
    const unsent = this.whyNotSend('ping');
    if (unsent) return err(unsent);
    const started = performance.now();
    const timer = new AbortController();
    const late = delay(timeoutMs, 'late', { signal: timer.signal }).catch(() => 'late');
    const outcome = await Promise.race([
      this.nats.flush().then(
        () => 'answered',
        () => 'broken',
      ),
      late,
    ]);
    timer.abort();
    if (outcome === 'answered') return ok(performance.now() - started);
    return err(
      busFailure(
        outcome === 'late' ? 'TIMEOUT' : 'DISCONNECTED',
        'ping',
        `the server did not answer within ${timeoutMs} ms`,
      ),
    );
  }

  status(): BusStatus {
    return { state: this.state, server: this.nats.getServer(), reconnects: this.reconnects };
  }

  onEvent(listener: (event: BusEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  drain(): Promise<void> {
    return (this.draining ??= this.drainOnce());
  }

  private async drainOnce(): Promise<void> {
    const timer = new AbortController();
    const late = delay(BUS_LIMITS.drainMs, undefined, { signal: timer.signal }).catch(() => undefined);
    // Without a connection no reply can be sent, and the NATS client would wait for the server indefinitely.
    if (this.state === 'connected') {
      await Promise.race([Promise.all([...this.servings].map((serving) => serving.stop())), late]);
      await Promise.race([this.nats.drain().catch(() => undefined), late]);
    }
    timer.abort();
    await this.nats.close();
    this.enter('closed');
  }

  /** Returns why nothing can be sent now. The NATS client would queue it, and send it after the caller has given up. */
  private whyNotSend(subject: string): BusFailure | undefined {
    if (this.state === 'connected' && !this.draining) return undefined;
    const detail = this.draining ? 'this service is shutting down' : 'there is no connection to the NATS server';
    return busFailure('DISCONNECTED', subject, detail, { mayHaveRun: false });
  }

  private async watch(): Promise<void> {
    for await (const status of this.nats.status()) this.onStatus(status);
    this.enter('closed');
  }

  private onStatus(status: Status): void {
    switch (status.type) {
      case Events.Disconnect:
        return this.enter('disconnected');
      case Events.Reconnect:
        this.reconnects += 1;
        return this.enter('connected');
      case DebugEvents.StaleConnection:
        return this.emit({ type: 'error', detail: 'the NATS server stopped responding' });
      case Events.Error:
        return this.emit({ type: 'error', detail: describe(status) });
      default:
        return undefined;
    }
  }

  private enter(state: BusState): void {
    if (this.state === state || this.state === 'closed') return;
    this.state = state;
    if (state !== 'connected') for (const drop of [...this.waiting]) drop();
    this.emit({ type: state, server: this.nats.getServer() });
  }

  private emit(event: BusEvent): void {
    for (const listener of [...this.listeners]) listener(event);
  }
}

function describe(status: Status): string {
  const { permissionContext: context, data } = status;
  return context ? `not permitted: ${context.operation} of ${context.subject}` : JSON.stringify(data);
}

function failureOf(subject: string, timeoutMs: number, error: unknown): BusFailure {
  const { code, message } = error as NatsError;
  switch (code) {
    case ErrorCode.NoResponders:
      return busFailure('NO_RESPONDERS', subject, 'no service answers this subject');
    case ErrorCode.Timeout:
      return busFailure('TIMEOUT', subject, `no reply within ${timeoutMs} ms`);
    case ErrorCode.MaxPayloadExceeded:
      return busFailure('TOO_LARGE', subject, 'the message exceeds the maximum of the server', { mayHaveRun: false });
    case ErrorCode.PermissionsViolation:
      return busFailure('NOT_ALLOWED', subject, 'the server does not permit this user to use this subject', {
        mayHaveRun: false,
      });
    default:
      return busFailure('DISCONNECTED', subject, `the connection failed: ${message}`);
  }
}
