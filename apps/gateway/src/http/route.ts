import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Config } from '@bailiwick/platform/config';
import type { Command, CommandOf, CommandType } from '@bailiwick/contracts/command';
import type { Arrivals } from '../event-stream/arrivals';
import type { Caller } from '../auth/caller';
import type { DryRuns } from '../reporting/dry-runs';
import type { ApiKeys, Role } from '../auth/api-keys';
import type { Owners } from '../log-client/log-client';
import type { Pseudonyms } from '../auth/pseudonyms';
import type { RefusalReports } from '../reporting/refusal-reports';
import type { Tokens } from '../auth/grant-tokens';

/** What handlers work with. */
export interface Services {
  readonly owners: Owners;
  readonly tokens: Tokens;
  readonly keys: ApiKeys;
  readonly pseudonyms: Pseudonyms;
  readonly arrivals: Arrivals;
  readonly refusals: RefusalReports;
  readonly dryRuns: DryRuns;
  readonly config: Config;
}

/** A request, whoever has taken it from the socket. */
export interface Incoming {
  readonly method: string;
  /** path and query, as they were sent */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly params: unknown;
  readonly query: unknown;
  /** the bytes, where there are any */
  readonly body?: unknown;
  readonly raw: IncomingMessage;
}

export interface Context<Params = Record<string, string>, Query = Record<string, unknown>, Body = unknown> {
  readonly services: Services;
  readonly caller: Caller;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly request: Incoming;
  /** A command of this request: who asks, under which key, for which log. */
  command<T extends CommandType>(
    type: T,
    log: string,
    fields: Omit<CommandOf<T>, 'type' | 'log' | 'commandId' | 'requestDigest' | 'actor'>,
    part?: string,
  ): Command;
}

export type Reply =
  | { readonly status?: number; readonly body: unknown; readonly headers?: Record<string, string> }
  | {
      readonly status?: number;
      readonly text: string | Buffer;
      readonly type: string;
      readonly headers?: Record<string, string>;
    }
  | { readonly stream: (reply: FastifyReply) => Promise<void> };

/** of `text` that is JSON already */
export const JSON_TYPE = 'application/json; charset=utf-8';

/** One endpoint: all that routing, authorisation, validation and its description need, in one place. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly summary: string;
  /** keys of these roles may call it; `public`: anybody */
  readonly roles: readonly Role[] | 'public';
  /** a run may call it for itself, with its grant token */
  readonly runs?: boolean;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** the body is a text, of whatever type and at most so many bytes: a protocol of others */
  readonly takesText?: number;
  readonly answer?: z.ZodType;
  readonly status?: number;
  /** it may answer with a stream */
  readonly streams?: boolean;
  handle(context: Context<never, never, never>): Promise<Reply>;
}

/** Ties a route's schemas to its handler's types. */
export function route<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
  definition: Omit<Route, 'handle' | 'params' | 'query' | 'body'> & {
    params?: P;
    query?: Q;
    body?: B;
    handle(context: Context<z.infer<P>, z.infer<Q>, z.infer<B>>): Promise<Reply>;
  },
): Route {
  return definition;
}

/** A whole number in a path or query, in its one spelling: not empty, hexadecimal, or with an exponent. */
export const wholeNumber = (min: number, max: number = Number.MAX_SAFE_INTEGER) =>
  z.preprocess(
    (text) => (typeof text === 'string' && /^(0|-?[1-9]\d{0,15})$/.test(text) ? Number(text) : text),
    z.number('must be a whole number').int().min(min).max(max),
  );
