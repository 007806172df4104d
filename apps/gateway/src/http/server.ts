import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import type { z } from 'zod';
import { canonicalDigest, sha256hex } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import type { Arriving } from './incoming-bodies';
import { readBody } from './body';
import { identify, type Caller } from '../auth/caller';
import { countAnswer, timed } from '../reporting/metrics';
import type { Places } from './concurrency-limiter';
import { NonceWanted } from '../auth/dpop-proofs';
import { problemOf, Refused } from './problem';
import { JSON_TYPE, type Context, type Incoming, type Reply, type Route, type Services } from './route';

export interface ServerOptions {
  readonly routes: readonly Route[];
  readonly services: Services;
  /** where none is left, a request is told to come back before anything is done for it */
  readonly places: Places;
  /** the bodies that are not all there yet */
  readonly arriving: Arriving;
  readonly failed: (error: unknown, request: Incoming) => void;
}

/** An answer, before it is written to anywhere. */
export interface Told {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string | Buffer;
}

/** Puts the table of routes on a Fastify instance: authorisation, validation and problems are the same for all. */
export function serve(app: FastifyInstance, options: ServerOptions): void {
  // said back on every answer, refusals too. @see AuthZEN Authorization API 1.0, Request Identification
  app.addHook('onRequest', (request, reply, done) => {
    const id = request.headers['x-request-id'];
    if (typeof id === 'string') reply.header('x-request-id', id);
    done();
  });
  app.removeAllContentTypeParsers();
  // bytes: a body that is no JSON is a problem of ours to tell, not the framework's
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: LIMITS.httpBodyBytes },
    (_request, body, done) => done(null, body),
  );
  for (const route of options.routes.filter(({ takesText }) => takesText === undefined)) on(app, route, options);
  for (const route of options.routes.filter(({ takesText }) => takesText !== undefined))
    void app.register((scope, _options, done) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: route.takesText }, (_request, body, end) =>
        end(null, body),
      );
      on(scope, route, options);
      done();
    });
}

function on(app: FastifyInstance, route: Route, options: ServerOptions): void {
  app.route({
    method: route.method,
    url: route.path,
    // before the body is read: it takes no room for who may not send it
    preParsing: async (request) => {
      await admitBody(route, options, request);
    },
    handler: async (request, reply) => {
      const told = await answer(route, options, request, reply);
      return told ? tell(reply, told) : reply;
    },
    errorHandler: (error, request, reply) => void tell(reply, refusalOf(route, toRefused(error, options, request))),
  });
}

/**
 * Answers a request of a route. Never throws.
 * @param reply where a route writes a stream to
 * @returns the answer; nothing where the route has written one itself
 */
export async function answer(
  route: Route,
  options: ServerOptions,
  request: Incoming,
  reply?: FastifyReply,
): Promise<Told | undefined> {
  const started = performance.now();
  let leave = (): void => undefined;
  try {
    const caller = admitted.get(request.raw) ?? (await admit(route, options, request));
    // whether the system is there is asked most when it is busy
    if (route.roles !== 'public') leave = options.places.take(caller.tenant);
    const context: Context = {
      services: options.services,
      caller,
      params: parse(route.params, request.params, 'path') as Record<string, string>,
      query: parseQuery(route.query, request.query as Record<string, unknown>) as Record<string, unknown>,
      body:
        textOf(route, request) ??
        (route.body ? parse(route.body, readBody(request.body as Buffer | undefined), 'body') : undefined),
      request,
      command: commandMaker(caller, request),
    };
    const made = await handled(route, options, context);
    if (!('stream' in made)) return toldOf(route, made);
    await made.stream(reply as FastifyReply);
    return undefined;
  } catch (error) {
    return refusalOf(route, toRefused(error, options, request));
  } finally {
    leave();
    timed(route.path, (performance.now() - started) / 1_000);
  }
}

async function handled(route: Route, options: ServerOptions, context: Context): Promise<Reply> {
  try {
    return await route.handle(context as Context<never, never, never>);
  } catch (error) {
    if (error instanceof Refused) report(route, options, context.caller, error);
    throw error;
  }
}

/** Who sent what is being read, once that is known: a proof is taken once. */
const admitted = new WeakMap<IncomingMessage, Caller>();

/**
 * From the head of a request alone.
 * @throws Refused where its sender is not known, or may not send it
 */
async function admit(route: Route, options: ServerOptions, request: Incoming): Promise<Caller> {
  const caller = await callerOf(route, options, request);
  try {
    authorise(route, caller);
  } catch (error) {
    if (error instanceof Refused) report(route, options, caller, error);
    throw error;
  }
  return caller;
}

/** A sender may send the body, and there is room for it. */
async function admitBody(route: Route, options: ServerOptions, request: Incoming): Promise<void> {
  const caller = await admit(route, options, request);
  options.arriving.expect(caller, request.raw);
  admitted.set(request.raw, caller);
}

/** The same where the body is read by somebody else: the refusal, or nothing where it may be read. */
export async function refusedAtHead(
  route: Route,
  options: ServerOptions,
  request: Incoming,
): Promise<Told | undefined> {
  try {
    await admitBody(route, options, request);
    return undefined;
  } catch (error) {
    return refusalOf(route, toRefused(error, options, request));
  }
}

/** Who asks for what is not theirs is an event: a wrong role, or a run's token for another run. */
function report(route: Route, { services }: ServerOptions, caller: Caller, { code, detail }: Refused): void {
  if (code === 'FORBIDDEN' && route.roles !== 'public')
    services.refusals.report(caller, `${route.method} ${route.path}`, detail);
}

function refusalOf(route: Route, refused: Refused): Told {
  const told = problem(route, refused);
  if (!(refused instanceof NonceWanted)) return told;
  const more = { 'dpop-nonce': refused.nonce, 'www-authenticate': 'DPoP error="use_dpop_nonce"' };
  return { ...told, headers: { ...told.headers, ...more } };
}

function textOf({ takesText }: Route, { body }: Incoming): string | undefined {
  return takesText === undefined ? undefined : ((body as Buffer | undefined)?.toString() ?? '');
}

function toldOf(route: Route, made: Exclude<Reply, { stream: unknown }>): Told {
  const status = made.status ?? 200;
  countAnswer(route.path, status);
  if ('text' in made) return { status, headers: { ...made.headers, 'content-type': made.type }, text: made.text };
  return { status, headers: { ...made.headers, 'content-type': JSON_TYPE }, text: JSON.stringify(made.body) };
}

/** A refusal as it is told (RFC 9457). */
export function problem(route: Pick<Route, 'path'>, refused: Refused): Told {
  const { status, body } = problemOf(refused);
  countAnswer(route.path, status);
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' };
  if (status === 503 || status === 429) headers['retry-after'] = '1';
  if (status === 401)
    headers['www-authenticate'] =
      refused.code === 'DPOP_INVALID' ? 'DPoP error="invalid_dpop_proof"' : 'Bearer realm="bailiwick"';
  return { status, headers, text: JSON.stringify(body) };
}

export function tell(reply: FastifyReply, { status, headers, text }: Told): FastifyReply {
  return reply.code(status).headers(headers).send(text);
}

/** The table says who may: everybody else is told so. */
function authorise(route: Route, caller: Caller): void {
  if (route.roles === 'public') return;
  if (caller.kind === 'run' ? route.runs === true : route.roles.includes(caller.role)) return;
  const who = caller.kind === 'run' ? 'a grant token' : `the role ${caller.role}`;
  const takes = [...route.roles, ...(route.runs ? ["the run's own token"] : [])].join(', ');
  throw new Refused('FORBIDDEN', `${who} may not ${route.method} ${route.path}; it takes ${takes || 'another'}`);
}

function callerOf(route: Route, { services }: ServerOptions, request: Incoming): Promise<Caller> {
  if (route.roles === 'public') return Promise.resolve(NOBODY);
  // a request line may hold a whole address, `*` or an authority: none of them is a path of ours, and none has an address
  const url = request.url.startsWith('/') ? services.config.publicUrl + request.url : '';
  const { authorization, dpop } = request.headers;
  return identify(services.keys, services.tokens, { authorization, dpop, method: request.method, url });
}

const NOBODY: Caller = { kind: 'key', tenant: '', role: 'analyst', actor: { kind: 'service', id: 'anybody' } };

function parseQuery(schema: z.ZodType | undefined, query: Record<string, unknown>): unknown {
  const [name] = schema ? [] : Object.keys(query);
  if (name !== undefined) throw new Refused('BAD_REQUEST', `there is no query parameter ${name} here`);
  for (const [each, text] of Object.entries(query)) {
    // the database has no word for it
    if (String(text).includes('\0')) throw new Refused('BAD_REQUEST', `${each} must not contain the character NUL`);
  }
  return parse(schema, query, 'query');
}

function parse(schema: z.ZodType | undefined, value: unknown, where: 'path' | 'query' | 'body'): unknown {
  if (!schema) return value;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const detail = parsed.error.issues
    .slice(0, 8)
    .map((issue) => `${issue.path.join('.') || where}: ${issue.message}`)
    .join('; ');
  throw new Refused(where === 'path' ? 'NOT_FOUND' : 'BAD_REQUEST', detail);
}

/**
 * With an Idempotency-Key, a command's id is made from it and its request is digested: the same key gets the first
 * answer, and another request under it is refused. Without one, the id is for our own retries.
 */
function commandMaker(caller: Caller, request: Incoming): Context['command'] {
  const key = request.headers['idempotency-key'];
  if (key !== undefined && (typeof key !== 'string' || key.length === 0 || key.length > LIMITS.idempotencyKeyLength)) {
    throw new Refused(
      'BAD_REQUEST',
      `Idempotency-Key must be one text of 1 to ${LIMITS.idempotencyKeyLength} characters`,
    );
  }
  const once =
    key === undefined
      ? undefined
      : {
          id: sha256hex(`${caller.tenant}\n${caller.actor.id}\n${key}`).slice(0, 52),
          digest: canonicalDigest({
            method: request.method,
            url: request.url,
            body: request.body instanceof Buffer ? sha256hex(request.body) : null,
          }),
        };
  const fallback = randomUUID();
  return ((type, log, fields, part) => ({
    ...fields,
    type,
    log,
    actor: caller.actor,
    commandId: once
      ? `idk_${once.id}${part === undefined ? '' : `_${part}`}`
      : `cmd_${fallback}${part === undefined ? '' : `_${part}`}`,
    ...(once ? { requestDigest: once.digest } : {}),
  })) as Context['command'];
}

function toRefused(error: unknown, { failed }: ServerOptions, request: Incoming): Refused {
  if (error instanceof Refused) return error;
  const { statusCode, message } = error as FastifyError;
  if (statusCode === 413) return new Refused('TOO_LARGE', 'the body is larger than any that is taken here');
  // AuthZEN knows no other status for it
  if (statusCode === 415 && request.url.startsWith('/access/'))
    return new Refused('BAD_REQUEST', 'send the body as application/json');
  if (statusCode === 415) return new Refused('UNSUPPORTED_MEDIA_TYPE', 'send the body as application/json');
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return new Refused('BAD_REQUEST', message);
  failed(error, request);
  return new Refused('INTERNAL', 'something went wrong here; it is in the log of the gateway');
}
