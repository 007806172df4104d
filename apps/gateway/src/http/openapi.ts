import { z } from 'zod';
import { problem } from '@bailiwick/contracts/reason';
import { CODES } from '@bailiwick/contracts/codes';
import type { Route } from './route';

type Json = Record<string, unknown>;

/** OpenAPI 3.1 from the table of routes: one schema is the check, the type and the description. */
export function openapi(routes: readonly Route[], url: string): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.path
      .replaceAll('::', '\u0000')
      .replace(/:(\w+)/g, '{$1}')
      .replaceAll('\u0000', ':')
      .replace('*', '{path}');
    const methods = (paths[path] ??= {});
    methods[route.method.toLowerCase()] = operation(route);
  }
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
      schemas: { Problem: schemaOf(problem, 'output') },
    },
  };
}

const PROBLEM = {
  description: 'Refused',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

function operation(route: Route): Json {
  const roles =
    route.roles === 'public' ? 'anybody' : [...route.roles, ...(route.runs ? ["the run's own token"] : [])].join(', ');
  const parameters = [...parametersOf(route.params, 'path'), ...parametersOf(route.query, 'query')];
  return {
    summary: route.summary,
    description: `Roles: ${roles}.`,
    operationId: `${route.method.toLowerCase()}_${route.path.replace(/\W+/g, '_')}`,
    ...(route.roles === 'public' ? {} : { security: [{ key: [] }] }),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(route.body
      ? { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(route.body, 'input') } } } }
      : {}),
    responses: {
      [String(route.status ?? 200)]: {
        description: 'Done',
        ...(route.answer ? { content: { 'application/json': { schema: schemaOf(route.answer, 'output') } } } : {}),
      },
      ...(route.roles === 'public'
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

/** One self-contained page: no script, nothing fetched. */
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
