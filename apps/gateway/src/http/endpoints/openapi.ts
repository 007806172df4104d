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

function operation(endpoint: Endpoint): Json {
  const roles =
    endpoint.roles === 'public'
      ? 'no key'
      : [
          ...endpoint.roles,
          ...(endpoint.runs ? ["the run's own token"] : []),
          ...(endpoint.people ? ['a person, for what is theirs'] : []),
        ].join(', ');
  const parameters = [...parametersOf(endpoint.params, 'path'), ...parametersOf(endpoint.query, 'query')];
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
      [String(endpoint.status ?? 200)]: {
        description: 'Done',
        ...(endpoint.answer
          ? { content: { 'application/json': { schema: schemaOf(endpoint.answer, 'output') } } }
          : {}),
      },
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
