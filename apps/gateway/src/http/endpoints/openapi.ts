import { z } from 'zod';
import { problem } from '@bailiwick/contracts/reason';
import { CODES } from '@bailiwick/contracts/error-codes';
import type { Endpoint } from './endpoint';

type Json = Record<string, unknown>;

/** Describes endpoints as OpenAPI 3.1. One schema is the check, the type and the description. */
export function openapi(endpoints: readonly Endpoint[], url: string): Json {
  const paths: Record<string, Json> = {};
  for (const endpoint of endpoints) {
    const path = endpoint.path
      .replaceAll('::', '\u0000')
      .replace(/:(\w+)/g, '{$1}')
      .replaceAll('\u0000', ':')
      .replace('*', '{path}');
    const methods = (paths[path] ??= {});
    methods[endpoint.method.toLowerCase()] = operation(endpoint);
  }
  const schemas: Record<string, Json> = { Problem: schemaOf(problem, 'output') };
  const shared: Record<string, Json> = {};
  const own = (name: string, part: Json): Json => withoutOwnDefinitions(part, name, shared);
  for (const methods of Object.values(paths))
    for (const [method, each] of Object.entries(methods) as [string, Json][])
      methods[method] = own(each.operationId as string, each);
  for (const [name, each] of Object.entries(schemas)) schemas[name] = own(name, each);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Bailiwick',
      version: '0.1.0',
      description: `Delegated authority between AI agents. Error codes: ${Object.keys(CODES).join(', ')}.`,
    },
    servers: [{ url }],
    paths,
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
      schemas: { ...schemas, ...shared },
    },
  };
}

/**
 * Moves the definitions of schemas that refer to themselves into `shared`, since a reference starts at the document.
 * @param name prefix of their names
 */
function withoutOwnDefinitions(part: Json, name: string, shared: Record<string, Json>): Json {
  let count = 0;
  const moved = (value: unknown, names: ReadonlyMap<string, string>): unknown => {
    if (Array.isArray(value)) return value.map((each) => moved(each, names));
    if (typeof value !== 'object' || value === null) return value;
    const { $defs, ...rest } = value as Json;
    if ($defs === undefined && typeof rest.$ref === 'string')
      return { ...rest, $ref: names.get(rest.$ref) ?? rest.$ref };
    const own = Object.entries(($defs ?? {}) as Json).map(([local, schema]) => {
      count += 1;
      return { from: `#/$defs/${local}`, to: `${name}_${count}`, schema };
    });
    const within = new Map([...names, ...own.map(({ from, to }) => [from, `#/components/schemas/${to}`] as const)]);
    for (const { to, schema } of own) shared[to] = moved(schema, within) as Json;
    return Object.fromEntries(Object.entries(rest).map(([key, each]) => [key, moved(each, within)]));
  };
  return moved(part, new Map()) as Json;
}

/** A retry with the same key returns the first answer. */
const IDEMPOTENCY_KEY: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  schema: { type: 'string' },
};

const PROBLEM = {
  description: 'Refused',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

function operation(endpoint: Endpoint): Json {
  const roles =
    endpoint.roles === 'public'
      ? 'no key'
      : [
          ...endpoint.roles,
          ...(endpoint.runs ? ["the run's own token"] : []),
          ...(endpoint.people ? ['a person, for what is theirs'] : []),
        ].join(', ');
  const parameters = [
    ...parametersOf(endpoint.params, 'path'),
    ...parametersOf(endpoint.query, 'query'),
    ...(endpoint.method === 'GET' || endpoint.roles === 'public' ? [] : [IDEMPOTENCY_KEY]),
  ];
  return {
    summary: endpoint.summary,
    description: `Roles: ${roles}.`,
    operationId: `${endpoint.method.toLowerCase()}_${endpoint.path.replace(/\W+/g, '_')}`,
    ...(endpoint.roles === 'public' ? {} : { security: [{ key: [] }] }),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(endpoint.body
      ? {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemaOf(endpoint.body, 'input') } },
          },
        }
      : {}),
    responses: {
      [String(endpoint.status ?? 200)]: success('Done', endpoint.answer),
      ...Object.fromEntries(
        Object.entries(endpoint.also ?? {}).map(([status, { when, answer }]) => [status, success(when, answer)]),
      ),
      ...(endpoint.roles === 'public'
        ? {}
        : {
            '400': PROBLEM,
            '401': PROBLEM,
            '403': PROBLEM,
            '404': PROBLEM,
            '409': PROBLEM,
            '413': PROBLEM,
            '429': PROBLEM,
            '503': PROBLEM,
          }),
    },
  };
}

const success = (description: string, answer: z.ZodType | undefined): Json => ({
  description,
  ...(answer ? { content: { 'application/json': { schema: schemaOf(answer, 'output') } } } : {}),
});

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    reused: 'inline',
    cycles: 'ref',
  }) as Json;
  return json;
}

function parametersOf(schema: z.ZodType | undefined, where: 'path' | 'query'): Json[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, value]) => ({
    name: name === '*' ? 'path' : name,
    in: where,
    required: where === 'path' || required.includes(name),
    schema: value,
  }));
}

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

/** Renders the description as one self-contained page, without scripts or external resources. */
export function docsPage(document: Json): string {
  const rows = Object.entries(document.paths as Record<string, Record<string, Json>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, op]) => {
      const body = (op.requestBody as { content: Record<string, { schema: unknown }> } | undefined)?.content[
        'application/json'
      ]?.schema;
      const shape = body
        ? `<details><summary>body</summary><pre>${escape(JSON.stringify(body, null, 2))}</pre></details>`
        : '';
      return `<section><h2><b>${method.toUpperCase()}</b> ${escape(path)}</h2><p>${escape(String(op.summary))}. ${escape(String(op.description))}</p>${shape}</section>`;
    }),
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Bailiwick API</title><style>body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}h2{font:600 1rem monospace;margin:1.5rem 0 0}p{margin:.2rem 0}pre{overflow:auto;background:#f4f4f4;padding:.5rem}</style><h1>Bailiwick API</h1><p>The same as <a href="/openapi.json">/openapi.json</a>.</p>${rows.join('')}</html>`;
}
