import { randomUUID } from 'node:crypto';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Command } from '#contracts/command';
import { canonicalDigest, sha256hex } from '#kernel/digest';
import { LIMITS } from '#kernel/limits';
import { identify, type Caller } from './caller';
import { requests, seconds } from './metrics';
import { problemOf, Refused } from './refusal';
import type { Context, Reply, Route, Services } from './route';

export interface ServerOptions {
  readonly routes: readonly Route[];
  readonly services: Services;
  readonly failed: (error: unknown, request: FastifyRequest) => void;
}

/** Puts the table of routes on a Fastify instance: authorisation, validation and problems are the same for all. */
export function serve(app: FastifyInstance, options: ServerOptions): void {
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
  const stop = seconds.startTimer({ route: route.path });
  try {
    const caller = await authorise(route, options, request);
    const context: Context = {
      services: options.services,
      caller,
      params: parse(route.params, request.params, 'NOT_FOUND') as Record<string, string>,
      query: parse(route.query, request.query, 'BAD_REQUEST', true) as Record<string, unknown>,
      body: route.body ? parse(route.body, readBody(request), 'BAD_REQUEST') : undefined,
      request,
      command: commandMaker(caller, request),
    };
    await reply_(reply, route, await route.handle(context as Context<never, never, never>));
  } catch (error) {
    send(reply, route, toRefused(error, options, request));
  } finally {
    stop();
  }
}

async function reply_(reply: FastifyReply, route: Route, made: Reply): Promise<void> {
  if ('stream' in made) return made.stream(reply);
  if (made.headers) reply.headers(made.headers);
  if ('text' in made) {
    requests.inc({ route: route.path, status: '200' });
    return reply.code(200).type(made.type).send(made.text);
  }
  const status = made.status ?? 200;
  requests.inc({ route: route.path, status: String(status) });
  return reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify(made.body));
}

export function send(reply: FastifyReply, route: Pick<Route, 'path'>, refused: Refused): FastifyReply {
  const { status, body } = problemOf(refused);
  requests.inc({ route: route.path, status: String(status) });
  if (status === 503 || status === 429) reply.header('retry-after', '1');
  if (status === 401)
    reply.header(
      'www-authenticate',
      refused.code === 'DPOP_INVALID' ? 'DPoP error="invalid_dpop_proof"' : 'Bearer realm="bailiwick"',
    );
  return reply.code(status).type('application/problem+json').send(JSON.stringify(body));
}

/** The table says who may: everybody else is told so, and it is an event. */
async function authorise(route: Route, { services, failed }: ServerOptions, request: FastifyRequest): Promise<Caller> {
  if (route.roles === 'public') return NOBODY;
  const url = services.config.publicUrl + request.url;
  const { authorization, dpop } = request.headers;
  const caller = await identify(services.keys, services.tokens, { authorization, dpop, method: request.method, url });
  const allowed = caller.kind === 'run' ? route.runs === true : route.roles.includes(caller.role);
  if (allowed) return caller;
  const who = caller.kind === 'run' ? 'a grant token' : `the role ${caller.role}`;
  const detail = `${who} may not ${route.method} ${route.path}; it takes ${[...route.roles, ...(route.runs ? ["the run's own token"] : [])].join(', ') || 'another'}`;
  const record: Command = {
    type: 'recordRefusal',
    log: `${caller.tenant}/0`,
    commandId: `cmd_${randomUUID()}`,
    actor: caller.actor,
    command: `${route.method} ${route.path}`.slice(0, 80),
    detail,
  };
  services.owners.submit(record).catch((error: unknown) => failed(error, request));
  throw new Refused('FORBIDDEN', detail);
}

const NOBODY: Caller = { kind: 'key', tenant: '', role: 'analyst', actor: { kind: 'service', id: 'anybody' } };

function readBody(request: FastifyRequest): unknown {
  const body = request.body as Buffer | undefined;
  if (body === undefined || body.length === 0) throw new Refused('BAD_REQUEST', 'a JSON body is needed');
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
  } catch (error) {
    throw new Refused('BAD_REQUEST', `the body is no JSON: ${(error as Error).message}`);
  }
}

function parse(
  schema: z.ZodType | undefined,
  value: unknown,
  code: 'BAD_REQUEST' | 'NOT_FOUND',
  strict = false,
): unknown {
  if (!schema) {
    const extra = strict ? Object.keys(value as object)[0] : undefined;
    if (extra !== undefined) throw new Refused('BAD_REQUEST', `there is no query parameter ${extra} here`);
    return value;
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const detail = parsed.error.issues
    .slice(0, 8)
    .map((issue) => `${issue.path.join('.') || (code === 'NOT_FOUND' ? 'path' : 'body')}: ${issue.message}`)
    .join('; ');
  throw new Refused(code, detail);
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
  if (statusCode === 415) return new Refused('UNSUPPORTED_MEDIA_TYPE', 'send the body as application/json');
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return new Refused('BAD_REQUEST', message);
  failed(error, request);
  return new Refused('INTERNAL', 'something went wrong here; it is in the log of the gateway');
}
