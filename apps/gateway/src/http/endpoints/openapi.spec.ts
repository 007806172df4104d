import { z } from 'zod';
import { CODES } from '@bailiwick/contracts/error-codes';
import { docsPage, openapi } from './openapi';
import { problemOf, Refused } from '../problems/problem';
import { declaredEndpoints } from '../../testing/endpoints';
import type { Endpoint } from './endpoint';

type Json = Record<string, unknown>;
interface Operation {
  summary: string;
  description: string;
  operationId: string;
  security?: unknown[];
  parameters?: { name: string; in: string; required: boolean; schema: Json }[];
  requestBody?: { content: Record<string, { schema: Json }> };
  responses: Record<string, { content?: Record<string, { schema: Json }> }>;
}

const URL_ = 'https://bailiwick.example';
const table = declaredEndpoints();
const document = openapi(table, URL_);
const paths = document.paths as Record<string, Record<string, Operation>>;
const operations = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, path, operation })),
);
/** The path as OpenAPI writes it. */
const templated = ({ path }: Endpoint): string =>
  path
    .replace('::', '\0')
    .replace(/:(\w+)/g, '{$1}')
    .replace('\0', ':')
    .replace('*', '{path}');
const operationOf = (each: Endpoint): Operation | undefined => paths[templated(each)]?.[each.method.toLowerCase()];

/** Every schema of the document, with its place. */
function schemas(): [string, Json][] {
  const found: [string, Json][] = [];
  for (const { name, operation } of operations) {
    for (const parameter of operation.parameters ?? []) found.push([`${name} ${parameter.name}`, parameter.schema]);
    for (const { schema } of Object.values(operation.requestBody?.content ?? {})) found.push([`${name} body`, schema]);
    for (const [status, { content = {} }] of Object.entries(operation.responses))
      for (const { schema } of Object.values(content)) found.push([`${name} ${status}`, schema]);
  }
  return found;
}

describe('openapi', () => {
  it('makes an OpenAPI 3.1 document of this address, in plain JSON', () => {
    expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'Bailiwick' }, servers: [{ url: URL_ }] });
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
  });

  it('refers only to what is in the document, so that clients can be generated from it', () => {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]*)"/g)].map(([, ref]) => ref as string);
    expect(refs.length).toBeGreaterThan(0);
    for (const ref of refs) expect([ref, referred(ref)]).toEqual([ref, expect.any(Object)]);
  });

  it('names the key of a retry for every request that changes something', () => {
    for (const { name, operation } of operations.filter(({ operation: { security } }) => security !== undefined)) {
      const headers = (operation.parameters ?? []).filter((each) => each.in === 'header').map((each) => each.name);
      expect([name, headers]).toEqual([name, name.startsWith('GET ') ? [] : ['Idempotency-Key']]);
    }
  });

  it('lists every error code', () => {
    const { description } = document.info as { description: string };
    for (const code of Object.keys(CODES)) expect(description).toContain(code);
  });

  it('describes every endpoint and nothing else', () => {
    const there = table.map((each) => `${each.method} ${templated(each)}`).sort();
    expect(operations.map((each) => each.name).sort()).toEqual(there);
  });

  it('states the purpose and the callers of every endpoint', () => {
    for (const each of table) {
      const operation = operationOf(each)!;
      expect(operation.summary.length).toBeGreaterThan(10);
      const roles = each.roles === 'public' ? ['no key'] : each.roles;
      for (const role of roles) expect(operation.description).toContain(role);
      expect(operation.description.includes("the run's own token")).toBe(each.runs === true);
      expect(operation.security).toEqual(each.roles === 'public' ? undefined : [{ key: [] }]);
    }
  });

  it('gives every operation a unique id', () => {
    const ids = operations.map((each) => each.operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^\w+$/);
  });

  it('names every part of a path, and nothing else, as a required path parameter', () => {
    for (const { name, path, operation } of operations) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
      const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
      expect([name, declared.map((parameter) => parameter.name).sort()]).toEqual([name, inPath]);
      expect(declared.every((parameter) => parameter.required)).toBe(true);
    }
  });

  it('writes a colon in a path as a colon, not as a parameter', () => {
    expect(paths['/v1/actions:batch']?.post).toBeDefined();
    expect(Object.keys(paths).filter((path) => /:(?!batch)|::|\*/.test(path))).toEqual([]);
  });

  it('has a request body and a response schema if the endpoint has them', () => {
    for (const each of table) {
      const { requestBody, responses } = operationOf(each)!;
      expect([each.path, requestBody !== undefined]).toEqual([each.path, each.body !== undefined]);
      const done = responses[String(each.status ?? 200)];
      expect([each.path, done?.content !== undefined]).toEqual([each.path, each.answer !== undefined]);
    }
  });

  it('describes every successful response of what may wait for a person', () => {
    const asking = ['/v1/runs', '/v1/grants/{id}/delegations', '/access/v1/requests'];
    for (const path of asking) {
      const { responses } = paths[path]!.post!;
      for (const status of ['201', '202'])
        expect([path, responses[status]?.content]).toEqual([
          path,
          { 'application/json': expect.anything() as unknown },
        ]);
    }
  });

  it('describes the refusals of every endpoint that requires a key as problems', () => {
    for (const { operation } of operations.filter((each) => each.operation.security)) {
      for (const status of ['400', '401', '403', '404', '409', '413', '429', '503']) {
        expect(Object.keys(operation.responses[status]?.content ?? {})).toEqual(['application/problem+json']);
      }
    }
  });
});

describe('a schema of the OpenAPI document', () => {
  it.each(schemas())('of %s can be parsed as JSON Schema', (_where, schema) => {
    expect(schema).toBeInstanceOf(Object);
    expect(Array.isArray(schema)).toBe(false);
    expect(schema).not.toHaveProperty('$schema'); // the document's own dialect holds
    expect(() => z.fromJSONSchema(standalone(schema))).not.toThrow();
  });

  it.each(table.filter((each) => each.body).map((each): [string, Endpoint] => [`${each.method} ${each.path}`, each]))(
    'of the body of %s refuses what the route refuses',
    (_name, each) => {
      const schema = operationOf(each)!.requestBody!.content['application/json']!.schema;
      const described = z.fromJSONSchema(standalone(schema));
      for (const wrong of [null, 1, 'x', [], { surely: 'unknown' }, { id: 1, grantId: 1, agent: 1, reason: 1 }]) {
        const refused = !each.body!.safeParse(wrong).success;
        if (refused) expect([wrong, described.safeParse(wrong).success]).toEqual([wrong, false]);
      }
    },
  );

  it('of a problem accepts every problem that is sent', () => {
    const schema = z.fromJSONSchema(standalone(referred('#/components/schemas/Problem')));
    for (const code of Object.keys(CODES) as (keyof typeof CODES)[]) {
      const { status, body } = problemOf(new Refused(code, 'why'));
      expect(schema.safeParse(body).success).toBe(true);
      expect(body).toMatchObject({ type: `https://bailiwick.dev/problems/${code}`, status, code, detail: 'why' });
      expect(status).toBe(CODES[code]);
    }
  });
});

function referred(ref: string): Json {
  const at = ref.replace('#/', '').split('/');
  return at.reduce((value, key) => value[key] as Json, document);
}
/** Returns a schema with the definitions that it refers to, under the name that a schema has for them. */
function standalone(schema: Json): never {
  const resolved = '$ref' in schema ? referred(schema.$ref as string) : schema;
  const { schemas: $defs } = document.components as { schemas: Json };
  return JSON.parse(JSON.stringify({ ...resolved, $defs }).replaceAll('"#/components/schemas/', '"#/$defs/')) as never;
}

describe('docsPage', () => {
  const page = docsPage(document);

  it('shows every endpoint, runs no script, and fetches nothing', () => {
    for (const { name } of operations) expect(page).toContain(`<b>${name.replace(' ', '</b> ')}`);
    expect(page).not.toMatch(/<script|<link|<img|src=|@import|url\(/i);
  });

  it('escapes every text', () => {
    const summary = '<script>alert("x")</script> & more';
    const odd: Endpoint = {
      method: 'GET',
      path: '/odd',
      summary,
      roles: ['admin'],
      body: z.object({ '</pre><b>': z.any() }),
      params: undefined,
      query: undefined,
      sources: [],
    };
    const html = docsPage(openapi([odd], URL_));
    expect(html).not.toContain('<script');
    expect(html).not.toContain('</pre><b>');
    expect(html).toContain('&lt;script>');
  });
});
