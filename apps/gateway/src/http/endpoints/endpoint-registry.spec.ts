import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { declaredEndpoints } from '../../testing/endpoints';
import { endpointsOfGateway } from '../../testing/gateway';
import type { Endpoint } from './endpoint';
import { methodsOf, type BoundEndpoint } from './endpoint-registry';

let table: readonly BoundEndpoint[];
beforeAll(async () => {
  table = await endpointsOfGateway();
});

describe('EndpointRegistry', () => {
  it('has every endpoint that API.md names', () => {
    const named = [
      'POST /v1/runs',
      'POST /v1/grants/:id/delegations',
      'GET /v1/runs/:id',
      'GET /v1/grants/:id',
      'GET /v1/trees/:id',
      'POST /v1/runs/:id/completion',
      'POST /v1/runs/:id/escalations',
      'POST /v1/actions',
      'POST /v1/actions/:id/outcome',
      'POST /v1/actions:batch',
      'POST /access/v1/evaluation',
      'POST /access/v1/evaluations',
      'POST /access/v1/search/subject',
      'POST /access/v1/search/resource',
      'POST /access/v1/search/action',
      'POST /access/v1/requests',
      'GET /access/v1/requests/:id',
      'DELETE /access/v1/requests/:id',
      'GET /v1/approvals',
      'GET /v1/approvals/:id',
      'POST /v1/approvals/:id/decision',
      'POST /v1/grants/:id/revocation',
      'POST /v1/revocations/preview',
      'POST /v1/revocations',
      'GET /v1/revocations/:id',
      'POST /v1/revocations/:id/resumption',
      'DELETE /v1/quarantines/:id',
      'GET /v1/events',
      'GET /v1/events/stream',
      'GET /v1/runs',
      'GET /v1/grants',
      'GET /v1/runs/:id/receipt',
      'GET /v1/trees/:id/receipt',
      'GET /v1/actions/:id/receipt',
      'GET /v1/approvals/:id/receipt',
      'GET /schemas/:name',
      'GET /v1/actions/:id/custody',
      'GET /v1/runs/:id/drift',
      'GET /v1/runs/:id/graph',
      'GET /log/:tenant/:n/vkey',
      'GET /log/:tenant/:n/vkeys',
      'GET /log/:tenant/:n/checkpoint',
      'GET /log/:tenant/:n/consistency',
      'GET /log/:tenant/:n/tile/*',
      'GET /log/:tenant/:n/proof/:position',
      'GET /healthz',
      'GET /readyz',
      'GET /metrics',
      'GET /openapi.json',
      'GET /docs',
      'GET /.well-known/authzen-configuration',
    ];
    const declared = table.map((route) => `${route.method} ${route.path.replace('::', ':')}`);
    expect(named.filter((name) => !declared.includes(name))).toEqual([]);
  });

  it('has no endpoint without roles, unless a person may call it for themselves', () => {
    for (const { method, path, roles, people } of table) {
      const count = roles === 'public' || people ? 1 : roles.length;
      expect([`${method} ${path}`, count]).not.toEqual([`${method} ${path}`, 0]);
    }
  });

  it('requires a key for all but health, description, discovery, signing in, schemas, the console, the proofs of logs, OAuth, and signals', () => {
    expect(
      table
        .filter((route) => route.roles === 'public')
        .map((route) => `${route.method} ${route.path}`)
        .sort(),
    ).toEqual(
      [
        'GET /log/:tenant/:n/vkey',
        'GET /log/:tenant/:n/vkeys',
        'GET /log/:tenant/:n/checkpoint',
        'GET /log/:tenant/:n/consistency',
        'GET /log/:tenant/:n/proof/:position',
        'GET /log/:tenant/:n/tile/*',
        'GET /witness/vkey',
        'POST /witness/add-checkpoint',
        'GET /.well-known/authzen-configuration',
        'GET /.well-known/oauth-authorization-server',
        'GET /.well-known/ssf-configuration',
        'GET /oauth/jwks',
        'GET /oauth/authorize',
        // they authenticate OAuth clients themselves
        'POST /oauth/token',
        'POST /oauth/introspect',
        'POST /oauth/revoke',
        'GET /schemas/:name',
        'GET /v1/sign-in',
        // they read the cookie of a browser themselves, or make it
        'GET /v1/session',
        'POST /v1/session',
        'POST /v1/signals/:transmitter',
        'DELETE /v1/session',
        'GET /v1/session/sign-in',
        'GET /v1/session/callback',
        // files without data
        'GET /console',
        'GET /console/*',
        'GET /healthz',
        'GET /readyz',
        'GET /openapi.json',
        'GET /docs',
      ].sort(),
    );
  });

  it('requires a key for every change, and checks every body and every path parameter', () => {
    // a witness accepts a checkpoint by its signature, which takes the place of a key
    for (const { method, path, roles, body, params } of table.filter(({ takesText }) => takesText === undefined)) {
      // a change of the session of a browser is checked by its cookie, or by its code
      if (method !== 'GET' && path !== '/v1/session') expect(roles).not.toBe('public');
      if (method === 'POST') expect([path, body]).toEqual([path, expect.anything()]);
      if (/:\w/.test(path.replace('::batch', ''))) expect([path, params]).toEqual([path, expect.anything()]);
    }
  });

  it('finds every endpoint that the modules declare', () => {
    const names = (all: readonly Endpoint[]): string[] => all.map(({ method, path }) => `${method} ${path}`).sort();
    expect(names(table)).toEqual(names(declaredEndpoints()));
  });

  it('has no endpoint twice', () => {
    const names = table.map(({ method, path }) => `${method} ${path}`);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('methodsOf', () => {
  it.each<[string, string[]]>([
    ['/v1/runs', ['POST', 'GET']],
    ['/v1/runs?x=1', ['POST', 'GET']],
    ['/v1/runs/run_0_x', ['GET']],
    ['/v1/runs/run_0_x/completion', ['POST']],
    ['/v1/actions', ['POST', 'GET']],
    ['/v1/actions:batch', ['POST']],
    ['/v1/quarantines/rev_0_x', ['DELETE']],
    ['/log/default/0/tile/0/000', ['GET']],
    ['/log/default/0/tile/0/x001/000.p/12', ['GET']],
    ['/log/default/0/proof/12', ['GET']],
    ['/healthz', ['GET']],
  ])('finds for %s the methods %j', (path, methods) => {
    expect(methodsOf(table, path)).toEqual(methods);
  });

  it.each([
    '/',
    '',
    '/v1',
    '/v1/',
    '/v2/runs',
    '/v1/runs/',
    '/v1/run',
    '/v1/runs/a/b',
    '/v1/runs/a/completion/b',
    '/v1/actions:all',
    '/v1/actionsxbatch',
    '/v1/actions/:batch/outcome/x',
    '/v1/:id',
    '/log/default/0/tile',
    '/log/default/0',
    '/healthz/',
    '/V1/runs',
  ])('finds none for %s', (path) => {
    expect(methodsOf(table, path)).toEqual([]);
  });
});

describe('the router', () => {
  let app: FastifyInstance;
  beforeAll(async () => {
    app = new FastifyAdapter().getInstance();
    for (const { method, path } of table) app.route({ method, url: path, handler: () => path });
    await app.ready();
  });
  afterAll(() => app.close());

  it.each<['GET' | 'POST' | 'DELETE', string, string | undefined]>([
    ['POST', '/v1/actions:batch', '/v1/actions::batch'],
    ['POST', '/v1/actions', '/v1/actions'],
    ['POST', '/v1/actions/act_0_x/outcome', '/v1/actions/:id/outcome'],
    ['POST', '/v1/actionsXbatch', undefined],
    ['POST', '/v1/actions:other', undefined],
    ['GET', '/v1/events/stream', '/v1/events/stream'],
    ['GET', '/log/default/0/tile/0/x001/000.p/12', '/log/:tenant/:n/tile/*'],
    ['POST', '/v1/revocations/preview', '/v1/revocations/preview'],
    ['GET', '/v1/revocations/preview', '/v1/revocations/:id'],
    ['DELETE', '/v1/runs/run_0_x', undefined],
  ])('routes %s %s to %s', async (method, url, path) => {
    const response = await app.inject({ method, url });
    expect(response.statusCode === 404 ? undefined : response.body).toBe(path);
  });

  it('finds every endpoint that methodsOf finds', async () => {
    for (const { method, path } of table) {
      const url = path
        .replaceAll('::', '\0')
        .replace(/:\w+|\*/g, 'x')
        .replaceAll('\0', ':');
      expect([url, (await app.inject({ method, url })).statusCode]).toEqual([url, 200]);
      expect([url, methodsOf(table, url)]).toEqual([url, expect.arrayContaining([method])]);
    }
  });
});
