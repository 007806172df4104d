import 'reflect-metadata';
import {
  applyDecorators,
  Body as NestBody,
  createParamDecorator,
  Param,
  Query as NestQuery,
  RequestMapping,
  RequestMethod,
  SetMetadata,
  type ExecutionContext,
  type PipeTransform,
} from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import type { Role } from '../../auth/api-keys';
import { contextOf } from '../request-context';
import { BodyPipe, TextPipe, ZodPipe } from './zod.pipe';

/** The declaration of one route, which routing, authorization and OpenAPI read. */
export interface EndpointOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** in the syntax of find-my-way: `:name` is a parameter, `::` a colon, a final `*` the rest of the path */
  readonly path: string;
  readonly summary: string;
  /** keys of these roles may call it; `public` requires no key */
  readonly roles: readonly Role[] | 'public';
  /** a run may call it for itself, with its grant token */
  readonly runs?: boolean;
  /** a person may call it for themselves, whatever their roles */
  readonly people?: boolean;
  /** the body is text of any content type, of at most this many bytes */
  readonly takesText?: number;
  /** the most bytes of a JSON body; `LIMITS.httpBodyBytes` unless stated */
  readonly takesBytes?: number;
  /** the schema of the response body */
  readonly answer?: z.ZodType;
  /** of a successful response; 200 unless stated */
  readonly status?: number;
  /** further successful responses: status → when it is sent, and the schema of its body */
  readonly also?: Readonly<Record<number, { readonly when: string; readonly answer: z.ZodType }>>;
  /** the response may be a stream */
  readonly streams?: boolean;
}

/** The source of a handler's argument. */
export type ArgumentSource =
  | { readonly from: 'path' | 'query' | 'body'; readonly pipe: ZodPipe }
  | { readonly from: 'text' }
  | { readonly from: 'context' };

export interface Endpoint extends EndpointOptions {
  /** by the position of the argument */
  readonly sources: readonly ArgumentSource[];
  readonly params: z.ZodType | undefined;
  readonly query: z.ZodType | undefined;
  readonly body: z.ZodType | undefined;
}

/** The most bytes of the body of an endpoint. */
export const bodyLimitOf = ({ takesText, takesBytes }: EndpointOptions): number =>
  takesText ?? takesBytes ?? LIMITS.httpBodyBytes;

const ENDPOINT = 'bailiwick:endpoint';
const SOURCES = 'bailiwick:argument-sources';

/** Makes a controller method an HTTP endpoint. Roles, schemas and description are one statement, so they cannot disagree. */
export function Endpoint(options: EndpointOptions): MethodDecorator {
  return (target, key, descriptor) => {
    const sources = sourcesOf(target, key);
    const schema = (from: 'path' | 'query' | 'body'): z.ZodType | undefined => {
      const source = sources.find((each) => each.from === from);
      return source && 'pipe' in source ? source.pipe.schema : undefined;
    };
    const endpoint: Endpoint = {
      ...options,
      sources,
      params: schema('path'),
      query: schema('query'),
      body: schema('body'),
    };
    const route = { path: options.path, method: RequestMethod[options.method] };
    applyDecorators(SetMetadata(ENDPOINT, endpoint), RequestMapping(route))(target, key, descriptor);
  };
}

/** The endpoint that a controller method was declared as; undefined for any other function. */
export function endpointOf(handler: object): Endpoint | undefined {
  return Reflect.getMetadata(ENDPOINT, handler) as Endpoint | undefined;
}

/** The parameters of the path, checked. A value that does not match its schema names nothing: 404. */
export const Params = (schema: z.ZodType): ParameterDecorator => checked('path', new ZodPipe(schema, 'path'), Param);

/** The query parameters, checked. Without this decorator an endpoint takes none. */
export const Query = (schema: z.ZodType): ParameterDecorator =>
  checked('query', new ZodPipe(schema, 'query'), NestQuery);

/** The JSON body, checked. */
export const Body = (schema: z.ZodType): ParameterDecorator => checked('body', new BodyPipe(schema), NestBody);

/** The body as text, for an endpoint with `takesText`. */
export const Text = (): ParameterDecorator => (target, key, index) => {
  record(target, key, index, { from: 'text' });
  NestBody(new TextPipe())(target, key, index);
};

const NestContext = createParamDecorator((_: unknown, host: ExecutionContext) =>
  contextOf(host.switchToHttp().getRequest<FastifyRequest>().raw),
);

/** The caller, and the commands of the request: a `RequestContext`. */
export const Ctx = (): ParameterDecorator => (target, key, index) => {
  record(target, key, index, { from: 'context' });
  NestContext()(target, key, index);
};

function checked(
  from: 'path' | 'query' | 'body',
  pipe: ZodPipe,
  nest: (...pipes: PipeTransform[]) => ParameterDecorator,
): ParameterDecorator {
  return (target, key, index) => {
    record(target, key, index, { from, pipe });
    nest(pipe)(target, key, index);
  };
}

function record(target: object, key: string | symbol | undefined, index: number, source: ArgumentSource): void {
  if (key === undefined) throw new Error('arguments of a constructor are not taken from a request');
  const sources = [...sourcesOf(target, key)];
  sources[index] = source;
  Reflect.defineMetadata(SOURCES, sources, target, key);
}

function sourcesOf(target: object, key: string | symbol): readonly ArgumentSource[] {
  return (Reflect.getOwnMetadata(SOURCES, target, key) as ArgumentSource[] | undefined) ?? [];
}
