import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Command, CommandOf, CommandType } from '@bailiwick/contracts/commands/command';
import { canonicalDigest, sha256hex } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import type { Caller } from '../auth/caller';
import { PerRequest } from './per-request';
import { Refused } from './problems/problem';

/** A request, from the framework or from the fast path. */
export interface Incoming {
  readonly method: string;
  /** path and query as sent */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly params: unknown;
  readonly query: unknown;
  /** the bytes, if any */
  readonly body?: unknown;
  readonly raw: IncomingMessage;
}

/** The data of a request that a handler gets in addition to path, query and body. */
export interface RequestContext {
  readonly caller: Caller;
  readonly request: Pick<Incoming, 'url' | 'headers' | 'raw'>;
  /**
   * Makes a command from this request: its actor, its idempotency key and its log.
   * @param part distinguishes the commands of one request
   */
  command<T extends CommandType>(
    type: T,
    log: string,
    fields: Omit<CommandOf<T>, 'type' | 'log' | 'commandId' | 'requestDigest' | 'actor'>,
    part?: string,
  ): Command;
}

const contexts = new PerRequest<RequestContext>();

/** @throws Error if no interceptor has made a context for the request */
export function contextOf(raw: IncomingMessage): RequestContext {
  const context = contexts.get(raw);
  if (!context) throw new Error('the request has no context: the idempotency interceptor did not run');
  return context;
}

/** Makes the context of a request that its handler has authenticated. @throws Refused BAD_REQUEST */
export function contextFor(caller: Caller, request: Incoming): RequestContext {
  return { caller, request, command: commandMaker(caller, request) };
}

/** Makes the context of a request and keeps it until the request is collected. */
export function attachContext(caller: Caller, request: Incoming): RequestContext {
  const context = contextFor(caller, request);
  contexts.set(request.raw, context);
  return context;
}

/**
 * With an Idempotency-Key, the command id is derived from the key, and the request is digested: a repeated request gets
 * the first response, and a different request with the same key is refused. Without one, the id serves our own retries.
 * @throws Refused BAD_REQUEST for a malformed key
 */
function commandMaker(caller: Caller, request: Incoming): RequestContext['command'] {
  const key = request.headers['idempotency-key'];
  if (key !== undefined && (typeof key !== 'string' || key.length === 0 || key.length > LIMITS.idempotencyKeyLength)) {
    throw new Refused(
      'BAD_REQUEST',
      `Idempotency-Key must be one text of 1 to ${LIMITS.idempotencyKeyLength} characters`,
    );
  }
  const once = key === undefined ? undefined : { id: idFrom(caller, key), digest: digestOf(request) };
  const fallback = randomUUID();
  return ((type, log, fields, part) => ({
    ...fields,
    type,
    log,
    actor: caller.actor,
    commandId: `${once ? `idk_${once.id}` : `cmd_${fallback}`}${part === undefined ? '' : `_${part}`}`,
    requestDigest: once?.digest,
  })) as RequestContext['command'];
}

const idFrom = (caller: Caller, key: string): string =>
  sha256hex(`${caller.tenant}\n${caller.actor.id}\n${key}`).slice(0, 52);

const digestOf = ({ method, url, body }: Incoming): string =>
  canonicalDigest({ method, url, body: body instanceof Buffer ? sha256hex(body) : null });
