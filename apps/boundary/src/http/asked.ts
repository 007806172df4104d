import type { IncomingHttpHeaders } from 'node:http';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import type { Asker, Session } from '../sessions/session';
import type { Upstream } from '../upstream/upstream';

/** The context of a request of an agent. */
export interface Asked {
  readonly claims: TokenClaims;
  readonly upstream: Upstream;
  readonly revision: string;
  /** those of the request; nothing is decided by them */
  readonly headers: IncomingHttpHeaders;
  /** what the client can be asked */
  readonly capabilities: Readonly<Record<string, unknown>>;
  /** the separate connection of the client, if it has one */
  readonly session: Session | undefined;
  /** aborted when the client goes away or cancels the request */
  readonly signal: AbortSignal;
  /** sends messages ahead of the answer; undefined if the client does not take any */
  readonly stream: Asker | undefined;
}

/** The answer to a request: the text of its result, or an error, with the status of HTTP. */
export type MethodAnswer = { readonly session?: string } & (
  | { readonly status: 200; readonly result: string }
  | {
      readonly status: number;
      readonly error: { readonly code: number; readonly message: string; readonly data?: unknown };
    }
);
