import { Inject, Injectable } from '@nestjs/common';
import type { Bus } from '@bailiwick/messaging/connect';
import { adminSubject } from '@bailiwick/messaging/subjects';
import { Gauge } from 'prom-client';
import { z } from 'zod';
import { BUS } from '../config';
import { registry } from './registry';

const TOTALS_MS = 1_000;
const totals = z.object({
  ok: z.literal(true),
  value: z.object({
    delivered: z.number(),
    failed: z.number(),
    dead: z.number(),
    disabled: z.number(),
    failing: z.number(),
  }),
});

/** The sums are stored, and the same at every gateway; a removed webhook takes its own with it. */
const attempts = new Gauge({
  name: 'bailiwick_webhook_attempts',
  help: 'Attempts to send events to the registered webhooks, by result, over all tenants',
  labelNames: ['result'] as const,
  registers: [registry],
});
const deadLetters = new Gauge({
  name: 'bailiwick_webhook_dead_letters',
  help: 'Events that were not delivered to a webhook and are not tried again, over all tenants',
  registers: [registry],
});
const webhooks = new Gauge({
  name: 'bailiwick_webhooks_not_delivering',
  help: 'Webhooks that are disabled, and pairs of webhook and log whose last attempt failed, over all tenants',
  labelNames: ['state'] as const,
  registers: [registry],
});

/** Reads what the deliveries of webhooks amount to, for the metrics. */
@Injectable()
export class WebhookMetrics {
  constructor(@Inject(BUS) private readonly bus: Pick<Bus, 'request'>) {}

  /** Sets the gauges; if the delegation service does not answer, they keep their values. */
  async update(): Promise<void> {
    const reply = await this.bus.request(adminSubject('webhook-totals'), {}, TOTALS_MS);
    const parsed = reply.ok ? totals.safeParse(reply.value) : undefined;
    if (!parsed?.success) return;
    const { delivered, failed, dead, disabled, failing } = parsed.data.value;
    attempts.set({ result: 'delivered' }, delivered);
    attempts.set({ result: 'failed' }, failed);
    deadLetters.set(dead);
    webhooks.set({ state: 'disabled' }, disabled);
    webhooks.set({ state: 'failing' }, failing);
  }
}
