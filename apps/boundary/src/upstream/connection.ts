/** The answer of an upstream to a request, with the result as it was written. */
export type UpstreamAnswer =
  | { readonly ok: true; readonly result: string }
  | {
      readonly ok: false;
      readonly error: { readonly code: number; readonly message: string; readonly data?: unknown };
    };

export interface RequestOptions {
  readonly signal: AbortSignal;
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
  /** from now on, each request states the stateless revision (2026-07-28) */
  becomeStateless(): void;
  /** calls the listener for each notification that belongs to no request */
  onNotification(listener: (method: string) => void): void;
  /** resolves when the connection has ended */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

/** The upstream died, does not answer, or answers what is no MCP message. */
export class UpstreamGone extends Error {}

/** The upstream has not received the request, and so cannot have carried it out. */
export class NotReached extends UpstreamGone {}

/** A message of an upstream, as far as it is read. */
export interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: unknown;
  readonly error?: unknown;
}
