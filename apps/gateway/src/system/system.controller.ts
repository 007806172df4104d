import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { POLICY_SCHEMA, policySchema } from '@bailiwick/contracts/policy/policy-bundle';
import { RECEIPT_SCHEMAS } from '@bailiwick/contracts/receipts/receipt-schema';
import { readVocabulary, VOCABULARY } from '@bailiwick/policy/vocabulary';
import { ApiKeys } from '../auth/api-keys';
import { CONFIG, type GatewayConfig } from '../config';
import { Ctx, Endpoint, Params } from '../http/endpoints/endpoint';
import { EndpointRegistry } from '../http/endpoints/endpoint-registry';
import { Reply } from '../http/responses/http-response';
import { docsPage, openapi } from '../http/endpoints/openapi';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { gaugeProblems } from '../reporting/metrics';
import { METRICS_TYPE, MetricsListener } from '../reporting/metrics-listener';
import { ReadinessProbe } from '../reporting/readiness';

/** Of the predicates of receipts, and of policy bundles; and the vocabulary, which is data. */
const SCHEMAS: ReadonlyMap<string, Record<string, unknown>> = new Map([
  ...RECEIPT_SCHEMAS,
  [POLICY_SCHEMA, policySchema()],
  [VOCABULARY, readVocabulary()],
]);
const schemaName = z.strictObject({ name: z.string().max(80) });

/** Endpoints about the service itself. */
@Controller()
export class SystemController {
  constructor(
    private readonly registry: EndpointRegistry,
    private readonly readiness: ReadinessProbe,
    private readonly listener: MetricsListener,
    private readonly keys: ApiKeys,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  @Endpoint({ method: 'GET', path: '/healthz', summary: 'Whether this process responds', roles: 'public' })
  health(): unknown {
    return { status: 'ok' };
  }

  @Endpoint({
    method: 'GET',
    path: '/readyz',
    summary: 'Whether requests can be answered: every service is reachable over NATS, and every log is loaded',
    roles: 'public',
  })
  async ready(): Promise<Reply> {
    const { services, instances, behind, problems } = await this.readiness.check();
    gaugeProblems(problems);
    // An event that is set aside blocks only its own tree: the gateway stays in rotation and reports `degraded`.
    const ok = Object.values(services).every(Boolean) && problems['not-loaded'] === undefined;
    const status = ok ? (problems['unreadable-event'] === undefined ? 'ok' : 'degraded') : 'not ready';
    return Reply.json(
      { status, services, instances, behind, problems },
      { status: ok ? 200 : 503, ...(ok ? {} : { headers: { 'retry-after': '1' } }) },
    );
  }

  @Endpoint({
    method: 'GET',
    path: '/metrics',
    summary: 'Prometheus metrics of this gateway, for the tenant of the installation',
    roles: ['admin', 'analyst', 'responder'],
  })
  async metrics(@Ctx() { caller }: RequestContext): Promise<Reply> {
    // they count the requests of all tenants
    if (!this.keys.isOwn(caller.tenant))
      throw new Refused('FORBIDDEN', 'the metrics are for the tenant of the installation');
    return Reply.text(await this.listener.text(), METRICS_TYPE);
  }

  @Endpoint({ method: 'GET', path: '/openapi.json', summary: 'This description', roles: 'public' })
  description(): unknown {
    return openapi(this.registry.endpoints, this.config.publicUrl);
  }

  @Endpoint({ method: 'GET', path: '/docs', summary: 'This description, as a page for people', roles: 'public' })
  docs(): Reply {
    const page = docsPage(openapi(this.registry.endpoints, this.config.publicUrl));
    return Reply.text(page, 'text/html; charset=utf-8', {
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    });
  }

  @Endpoint({
    method: 'GET',
    path: '/schemas/:name',
    summary: `A JSON Schema, or the vocabulary: ${[...SCHEMAS.keys()].join(', ')}`,
    roles: 'public', // anyone who receives a receipt must be able to read it
  })
  schema(@Params(schemaName) { name }: z.infer<typeof schemaName>): Reply {
    const schema = SCHEMAS.get(name);
    if (!schema) throw new Refused('NOT_FOUND', `Schema ${name} not found.`);
    const type = name === VOCABULARY ? 'application/json' : 'application/schema+json';
    return Reply.text(JSON.stringify(schema), type, { 'cache-control': 'public, max-age=86400' });
  }
}
