import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Command } from '#contracts/command';
import { CANONICAL_DEPTH, canonicalize } from '#kernel/canonical';
import { canonicalDigest, sha256hex } from '#kernel/digest';
import { LIMITS } from '#kernel/limits';
import { identify, type Caller } from './caller';
import { ambiguityIn } from './json';
import { countAnswer, timed } from './metrics';
import type { Places } from './places';
import { problemOf, Refused } from './refusal';
import type { Context, Reply, Route, Services } from './route';

export interface ServerOptions {
  readonly routes: readonly Route[];
  readonly services: Services;
  /** where none is left, a request is told to come back before anything is done for it */
  readonly places: Places;
  readonly failed: (error: unknown, request: FastifyRequest) => void;
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
  for (const route of options.routes) {
    app.route({
      method: route.method,
      url: route.path,
      handler: (request, reply) => answer(route, options, request, reply),
      errorHandler: (error, request, reply) => void send(reply, route, toRefused(error, options, request)),
    });
  }
}

async function answer(
  route: Route,
  options: ServerOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const started = performance.now();
  let caller: Caller | undefined;
  let leave = (): void => undefined;
  try {
    caller = await callerOf(route, options, request);
    authorise(route, caller);
    // whether the system is there is asked most when it is busy
    if (route.roles !== 'public') leave = options.places.take(caller.tenant);
    const context: Context = {
      services: options.services,
      caller,
      params: parse(route.params, request.params, 'path') as Record<string, string>,
      query: parseQuery(route.query, request.query as Record<string, unknown>) as Record<string, unknown>,
      body: route.body ? parse(route.body, readBody(request), 'body') : undefined,
      request,
      command: commandMaker(caller, request),
    };
    await reply_(reply, route, await route.handle(context as Context<never, never, never>));
  } catch (error) {
    const refused = toRefused(error, options, request);
    if (refused.code === 'FORBIDDEN' && caller) record(route, options, request, caller, refused.detail);
    send(reply, route, refused);
  } finally {
    leave();
    timed(route.path, (performance.now() - started) / 1_000);
  }
}

async function reply_(reply: FastifyReply, route: Route, made: Reply): Promise<void> {
  if ('stream' in made) return made.stream(reply);
  if (made.headers) reply.headers(made.headers);
  if ('text' in made) {
    countAnswer(route.path, 200);
    return reply.code(200).type(made.type).send(made.text);
  }
  const status = made.status ?? 200;
  countAnswer(route.path, status);
  return reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify(made.body));
}

export function send(reply: FastifyReply, route: Pick<Route, 'path'>, refused: Refused): FastifyReply {
  const { status, body } = problemOf(refused);
  countAnswer(route.path, status);
  if (status === 503 || status === 429) reply.header('retry-after', '1');
  if (status === 401)
    reply.header(
      'www-authenticate',
      refused.code === 'DPOP_INVALID' ? 'DPoP error="invalid_dpop_proof"' : 'Bearer realm="bailiwick"',
    );
  return reply.code(status).type('application/problem+json').send(JSON.stringify(body));
}

/** The table says who may: everybody else is told so. */
function authorise(route: Route, caller: Caller): void {
  if (route.roles === 'public') return;
  if (caller.kind === 'run' ? route.runs === true : route.roles.includes(caller.role)) return;
  const who = caller.kind === 'run' ? 'a grant token' : `the role ${caller.role}`;
  const takes = [...route.roles, ...(route.runs ? ["the run's own token"] : [])].join(', ');
  throw new Refused('FORBIDDEN', `${who} may not ${route.method} ${route.path}; it takes ${takes || 'another'}`);
}

function callerOf(route: Route, { services }: ServerOptions, request: FastifyRequest): Promise<Caller> {
  if (route.roles === 'public') return Promise.resolve(NOBODY);
  const url = services.config.publicUrl + request.url;
  const { authorization, dpop } = request.headers;
  return identify(services.keys, services.tokens, { authorization, dpop, method: request.method, url });
}

/** Who asks for what is not theirs is an event: a wrong role, or a run's token for another run. */
function record(
  route: Route,
  { services, failed }: ServerOptions,
  request: FastifyRequest,
  caller: Caller,
  why: string,
): void {
  const refusal: Command = {
    type: 'recordRefusal',
    log: `${caller.tenant}/0`,
    commandId: `cmd_${randomUUID()}`,
    actor: caller.actor,
    command: `${route.method} ${route.path}`.slice(0, 80),
    detail: why,
  };
  services.owners.submit(refusal).catch((error: unknown) => failed(error, request));
}

const NOBODY: Caller = { kind: 'key', tenant: '', role: 'analyst', actor: { kind: 'service', id: 'anybody' } };

function readBody(request: FastifyRequest): unknown {
  const body = request.body as Buffer | undefined;
  if (body === undefined || body.length === 0) throw new Refused('BAD_REQUEST', 'a JSON body is needed');
  try {
    if (!isUtf8(body)) throw new Error('it is not UTF-8');
    const text = body.toString();
    const value = JSON.parse(text) as unknown;
    // Half a character or a bottomless object has no canonical form. An owner that met one inside a batch would have
    // to drop the batch, and with it what others asked for.
    if (HALF_CHARACTER.test(text) || text.split(OPENING, CANONICAL_DEPTH).length >= CANONICAL_DEPTH)
      canonicalize(value);
    if (HIDDEN_MEMBER.test(text) && hidesMember(value)) throw new Error('a member must not be called __proto__');
    const wrong = ambiguityIn(text);
    if (wrong !== undefined) throw new Error(wrong);
    return value;
  } catch (error) {
    throw new Refused('BAD_REQUEST', `the body is no JSON that can be kept: ${(error as Error).message}`);
  }
}

/** Only an escape can spell one, since the bytes are UTF-8. */
const HALF_CHARACTER = /\\ud[89a-f]/i;
const OPENING = /[[{]/;

/**
 * Written out, or with escapes. Schemas skip such a member, so arguments with it and without it would have one digest,
 * and an approval of the one be good for the other (I8).
 */
const HIDDEN_MEMBER = /__proto__|\\u00/i;
function hidesMember(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hidesMember);
}

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
function commandMaker(caller: Caller, request: FastifyRequest): Context['command'] {
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

function toRefused(error: unknown, { failed }: ServerOptions, request: FastifyRequest): Refused {
  if (error instanceof Refused) return error;
  const { statusCode, message } = error as FastifyError;
  if (statusCode === 413) return new Refused('TOO_LARGE', `the body is over ${LIMITS.httpBodyBytes} bytes`);
  // AuthZEN knows no other status for it
  if (statusCode === 415 && request.url.startsWith('/access/'))
    return new Refused('BAD_REQUEST', 'send the body as application/json');
  if (statusCode === 415) return new Refused('UNSUPPORTED_MEDIA_TYPE', 'send the body as application/json');
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return new Refused('BAD_REQUEST', message);
  failed(error, request);
  return new Refused('INTERNAL', 'something went wrong here; it is in the log of the gateway');
}
