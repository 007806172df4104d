import { ActionTokenError, type ActionClaims, type ActionTokens, type ExpectedCall } from './action-tokens';

/** The parts of a request that the guards need, of Express, Fastify and Nest alike. */
export interface GuardedRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** set by the guard */
  action?: ActionClaims;
}

/** States the call that a request asks for, from its route, parameters and body. */
export type CallOf<R> = (request: R) => ExpectedCall;

/** Where the token of a call is unless it is in `Authorization: Bearer`, since a tool may use that for its own clients. */
export const ACTION_TOKEN_HEADER = 'bailiwick-action-token';

/** @throws ActionTokenError */
async function admit<R>(tokens: ActionTokens, callOf: CallOf<R>, request: R): Promise<void> {
  const guarded = request as GuardedRequest;
  guarded.action = await tokens.accept(tokenOf(guarded), callOf(request));
}

function tokenOf({ headers }: GuardedRequest): string | undefined {
  const own = headers[ACTION_TOKEN_HEADER];
  if (Array.isArray(own)) throw new ActionTokenError(401, 'invalid', 'send one token');
  const { authorization } = headers;
  return own ?? /^bearer +(\S+)$/i.exec(String(authorization ?? ''))?.[1];
}

interface ExpressResponse {
  status(code: number): { json(body: unknown): unknown };
}

/** A middleware for Express. Put it after the one that parses the body. */
export function expressGuard<R>(
  tokens: ActionTokens,
  callOf: CallOf<R>,
): (request: R, response: ExpressResponse, next: (error?: unknown) => void) => void {
  return (request, response, next) => {
    admit(tokens, callOf, request).then(
      () => next(),
      (error: unknown) => {
        if (error instanceof ActionTokenError) response.status(error.status).json(bodyOf(error));
        else next(error);
      },
    );
  };
}

interface FastifyReply {
  code(code: number): { send(body: unknown): unknown };
}

/** A `preHandler` for Fastify. */
export function fastifyGuard<R>(
  tokens: ActionTokens,
  callOf: CallOf<R>,
): (request: R, reply: FastifyReply) => Promise<unknown> {
  return async (request, reply) => {
    try {
      return await admit(tokens, callOf, request);
    } catch (error) {
      if (!(error instanceof ActionTokenError)) throw error;
      return reply.code(error.status).send(bodyOf(error));
    }
  };
}

interface ExecutionContext {
  switchToHttp(): { getRequest(): unknown };
}

/**
 * A guard for Nest, for `@UseGuards(new ActionGuard(tokens, callOf))`.
 * @param refuse makes the exception that Nest answers with, such as `(status, body) => new HttpException(body, status)`
 */
export class ActionGuard<R> {
  constructor(
    private readonly tokens: ActionTokens,
    private readonly callOf: CallOf<R>,
    private readonly refuse: (status: number, body: Record<string, string>) => Error,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    try {
      await admit(this.tokens, this.callOf, context.switchToHttp().getRequest() as R);
      return true;
    } catch (error) {
      if (error instanceof ActionTokenError) throw this.refuse(error.status, bodyOf(error));
      throw error;
    }
  }
}

const bodyOf = ({ code, message }: ActionTokenError): Record<string, string> => ({ error: code, detail: message });
