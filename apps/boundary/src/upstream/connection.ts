import { BOUNDARY_LIMITS } from '../boundary-limits';

/** The answer of an upstream to a request, with the result as it was written. */
export type UpstreamAnswer =
  | { readonly ok: true; readonly result: string }
  | {
      readonly ok: false;
      readonly error: { readonly code: number; readonly message: string; readonly data?: unknown };
      /** the error is none of the upstream, which may have carried the request out */
      readonly mayBeMade?: true;
    };

/** The answer of the side of the boundary to a request of an upstream. */
export type ClientAnswer =
  | { readonly result: unknown }
  | { readonly error: { readonly code: number; readonly message: string; readonly data?: unknown } };

/** What a connection declares to an upstream, and answers it. */
export interface ClientSide {
  readonly capabilities: Readonly<Record<string, unknown>>;
  request(method: string, params: Record<string, unknown>): Promise<ClientAnswer>;
  notified(method: string, params: Record<string, unknown>): void;
}

/** The answer to requests of an upstream if no client exists for them. */
export const NO_CAPABILITY: ClientAnswer = {
  error: { code: -32601, message: 'this client has no such capability' },
};

/** The answer to a request of an upstream whose answer failed. */
export const CANNOT_ANSWER: ClientAnswer = { error: { code: -32603, message: 'the request could not be answered' } };

/** What an upstream needs of the client before it can answer a request (MCP 2026-07-28). */
export interface InputRequest {
  readonly key: string;
  readonly method: string;
  readonly params: Record<string, unknown>;
}

export interface RequestOptions {
  readonly signal: AbortSignal;
  /** asks the client of the request, in the order of the requests, until the signal is aborted; left out: it cannot be asked */
  readonly input?: (requests: readonly InputRequest[], signal: AbortSignal) => Promise<readonly ClientAnswer[]>;
  /** receives the params of progress notifications, without their token */
  readonly onProgress?: (params: Record<string, unknown>) => void;
  /** headers that repeat arguments, for a server of the stateless revision that is reached over HTTP */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A connection to an upstream server. */
export interface Connection {
  /**
   * Sends a request and returns the first answer to it; further ones are dropped. An aborted request is canceled upstream.
   * @throws UpstreamGone if the upstream cannot answer, or the request is aborted; NotReached if it was not sent
   */
  request(method: string, params: Record<string, unknown>, options: RequestOptions): Promise<UpstreamAnswer>;
  notify(method: string, params?: Record<string, unknown>): Promise<void>;
  /** sets the version that the upstream answered with */
  negotiated(version: string): void;
  /** from now on, each request states the stateless revision (2026-07-28), and these capabilities of the client */
  becomeStateless(capabilities: ClientSide['capabilities']): void;
  /** calls the listener for each notification that belongs to no request */
  onNotification(listener: (method: string, params: Record<string, unknown>) => void): void;
  /** answers the requests of the upstream other than pings; without it they are refused */
  answerBy(answer: ClientSide['request']): void;
  /** opens the stream of messages that belong to no request, if the upstream has one */
  listen(): void;
  /** resolves when the connection has ended */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

/** The upstream died, does not answer, or answers what is no MCP message. */
export class UpstreamGone extends Error {}

/** The upstream has not received the request, and so cannot have carried it out. */
export class NotReached extends UpstreamGone {}

/** The upstream answered, and what it answered has more values than are read. */
export class TooManyValues extends UpstreamGone {
  constructor() {
    super(`the upstream sent a message of more than ${BOUNDARY_LIMITS.messageValues} values`);
  }
}

/** A message of an upstream, as far as it is read. */
export interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: unknown;
  readonly error?: unknown;
  /** it has more values than are read, and nothing of it is but its id */
  readonly exceedsValues?: true;
}
