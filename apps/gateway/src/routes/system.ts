import { z } from 'zod';
import { tenantName } from '@bailiwick/contracts/primitives';
import { docsPage, openapi } from '../http/openapi';
import { gaugeProblems, metricsText } from '../reporting/metrics';
import type { Readiness } from '../reporting/readiness';
import { Refused } from '../http/problem';
import { route, type Route } from '../http/route';

/** Endpoints about the service itself. `all` is the whole table, which the description is made from. */
export const systemRoutes = (all: () => readonly Route[], ready: () => Promise<Readiness>): Route[] => [
  route({
    method: 'POST',
    path: '/v1/tenants',
    summary: 'Make a tenant, or give it new keys; keys are returned once',
    roles: ['admin'],
    body: z.strictObject({
      id: tenantName,
      /** new keys for a tenant that is there, in the place of those it has */
      reissue: z.literal(true).optional(),
    }),
    status: 201,
    async handle({ caller, services, body }) {
      if (caller.tenant !== 'default')
        throw new Refused('FORBIDDEN', 'tenants are made by the admin of the tenant default');
      if (body.reissue) return { status: 201, body: { id: body.id, keys: services.keys.reissue(body.id) } };
      // Dying between the two: the tenant has a log and no keys, and is made by the same request.
      await services.owners.admin('create-tenant', { tenant: body.id });
      return { status: 201, body: { id: body.id, keys: services.keys.addTenant(body.id) } };
    },
  }),
  route({
    method: 'GET',
    path: '/healthz',
    summary: 'Is this process there',
    roles: 'public',
    handle: () => Promise.resolve({ body: { status: 'ok' } }),
  }),
  route({
    method: 'GET',
    path: '/readyz',
    summary: 'Can requests be answered: every service reached over the bus, and every log loaded',
    roles: 'public',
    async handle() {
      const { services, instances, behind, problems } = await ready();
      gaugeProblems(problems);
      // an event that is set aside keeps nothing else from being answered: the gateway stays in rotation, and says so
      const ok = Object.values(services).every(Boolean) && problems['not-loaded'] === undefined;
      const status = ok ? (problems['unreadable-event'] === undefined ? 'ok' : 'degraded') : 'not ready';
      return {
        status: ok ? 200 : 503,
        body: { status, services, instances, behind, problems },
        ...(ok ? {} : { headers: { 'retry-after': '1' } }),
      };
    },
  }),
  route({
    method: 'GET',
    path: '/metrics',
    summary: 'Prometheus metrics',
    roles: 'public',
    async handle() {
      gaugeProblems((await ready()).problems);
      return { text: await metricsText(), type: 'text/plain; version=0.0.4' };
    },
  }),
  route({
    method: 'GET',
    path: '/openapi.json',
    summary: 'This description',
    roles: 'public',
    handle: ({ services }) => Promise.resolve({ body: openapi(all(), services.config.publicUrl) }),
  }),
  route({
    method: 'GET',
    path: '/docs',
    summary: 'This description, for people',
    roles: 'public',
    handle: ({ services }) =>
      Promise.resolve({
        text: docsPage(openapi(all(), services.config.publicUrl)),
        type: 'text/html; charset=utf-8',
        headers: { 'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'" },
      }),
  }),
];
