import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { LIMITS } from '@bailiwick/core/limits';
import { CONFIG, type GatewayConfig } from '../config';
import { EnforcementMetrics } from '../enforcement/enforcement-metrics';
import { gaugeProblems, metricsText } from './metrics';
import { ReadinessProbe } from './readiness';
import { WebhookMetrics } from './webhook-metrics';

export const METRICS_TYPE = 'text/plain; version=0.0.4';
const CONNECTIONS = 16;

/**
 * Serves the metrics, and nothing else, without a key at an address that the configuration names: for a collector that
 * has no key, on a network that only it reaches. Without such an address, `GET /metrics` of the API needs a key.
 */
@Injectable()
export class MetricsListener implements OnApplicationBootstrap, OnApplicationShutdown {
  private server: Server | undefined;

  constructor(
    @Inject(CONFIG) private readonly config: Pick<GatewayConfig, 'metrics'>,
    private readonly readiness: ReadinessProbe,
    private readonly webhooks: WebhookMetrics,
    private readonly enforcement: EnforcementMetrics,
  ) {}

  /** @throws Error if the address cannot be used: the collector would miss the gateway without notice */
  async onApplicationBootstrap(): Promise<void> {
    const { metrics } = this.config;
    if (!metrics) return;
    const server = createServer({ headersTimeout: LIMITS.httpHeadMs, requestTimeout: LIMITS.httpRequestMs });
    server.maxConnections = CONNECTIONS;
    server.on('request', (request, response) => void this.answer(request, response).catch(() => response.destroy()));
    server.listen(metrics.port, metrics.host);
    await once(server, 'listening'); // rejects if it cannot listen
    this.server = server;
  }

  onApplicationShutdown(): void {
    this.server?.closeAllConnections();
    this.server?.close();
  }

  /** The address in use; undefined if none is configured. */
  get address(): ReturnType<Server['address']> | undefined {
    return this.server?.address();
  }

  async text(): Promise<string> {
    const [{ problems }] = await Promise.all([this.readiness.check(), this.webhooks.update()]);
    gaugeProblems(problems);
    this.enforcement.update();
    return metricsText();
  }

  private async answer({ method, url }: IncomingMessage, response: ServerResponse): Promise<void> {
    if (method !== 'GET' || url !== '/metrics') return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': METRICS_TYPE }).end(await this.text());
  }
}
