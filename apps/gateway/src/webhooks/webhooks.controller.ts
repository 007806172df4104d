import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { position, time } from '@bailiwick/contracts/primitives';
import {
  attemptAnswer,
  deadLetter,
  hostOf,
  redeliveryRequest,
  rotationRequest,
  webhookRequest,
  webhookView,
  type AttemptAnswer,
  type DeadLetter,
  type WebhookRequest,
  type WebhookSave,
  type WebhookView,
} from '@bailiwick/contracts/webhooks/webhook';
import { webhookChange, webhookName } from '@bailiwick/contracts/webhooks/webhook-change';
import { parseDuration } from '@bailiwick/core/duration';
import { logName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { Body, Ctx, Endpoint, Params } from '../http/endpoints/endpoint';
import { Refused } from '../http/problems/problem';
import { Reply } from '../http/responses/http-response';
import type { RequestContext } from '../http/request-context';
import { LogClient } from '../log-client/log-client';
import { WebhookSecrets } from './webhook-secrets';

const named = z.strictObject({ name: webhookName });
type Named = z.infer<typeof named>;

const noBody = z.strictObject({});
const listAnswer = z.object({ items: z.array(webhookView), next: z.null() });
const savedAnswer = z.object({
  webhook: webhookView,
  /** shown only here: a generated secret of a new webhook */
  secret: z.string().optional(),
  position,
});
const rotatedAnswer = z.object({
  name: webhookName,
  /** shown only here: a generated one */
  secret: z.string().optional(),
  /** until when the former secret signs too */
  formerUntil: time,
  position,
});
const removedAnswer = z.object({ name: webhookName, position });
const deadAnswer = z.object({ items: z.array(deadLetter), next: z.null() });

const DEFAULT_OVERLAP = '24h';
/** An attempt, and what it waits for: other attempts of the tenant. */
const ATTEMPT_MS = 3 * LIMITS.webhooks.attemptMs;
const NO_STORE = { 'cache-control': 'no-store' };

/** The webhooks of a tenant: where its events are sent, signed as Standard Webhooks has it. */
@Controller()
export class WebhooksController {
  constructor(
    private readonly logClient: LogClient,
    private readonly secrets: WebhookSecrets,
  ) {}

  @Endpoint({
    method: 'GET',
    path: '/v1/webhooks',
    summary: 'The webhooks of the tenant, without secrets',
    roles: ['admin', 'analyst'],
    answer: listAnswer,
  })
  async list(@Ctx() { caller }: RequestContext): Promise<z.infer<typeof listAnswer>> {
    const { items } = await this.logClient.admin<{ items: WebhookView[] }>('webhooks', { tenant: caller.tenant });
    return { items, next: null };
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/webhooks/:name',
    summary: 'A webhook: how far it has come in each log, and what fails',
    roles: ['admin', 'analyst'],
    answer: webhookView,
  })
  read(@Ctx() { caller }: RequestContext, @Params(named) { name }: Named): Promise<WebhookView> {
    return this.logClient.admin('webhook', { tenant: caller.tenant, webhook: name });
  }

  /** Records the registration before it has an effect, so that none has effect without its record. */
  @Endpoint({
    method: 'PUT',
    path: '/v1/webhooks/:name',
    summary: 'Register a webhook for the events from now on, or replace the settings of the one of this name',
    roles: ['admin'],
    answer: savedAnswer,
  })
  async save(
    @Ctx() context: RequestContext,
    @Params(named) { name }: Named,
    @Body(webhookRequest) { url, types, secret, enabled = true, callbacks = false }: WebhookRequest,
  ): Promise<Reply> {
    const { tenant } = context.caller;
    this.secrets.admit(url);
    const { items } = await this.logClient.admin<{ items: WebhookView[] }>('webhooks', { tenant });
    const isNew = !items.some((each) => each.name === name);
    if (isNew && items.length >= LIMITS.webhooks.perTenant)
      throw new Refused('CONFLICT', `the tenant has ${LIMITS.webhooks.perTenant} webhooks, the most that it may have`);
    const generated = isNew && secret === undefined ? this.secrets.make() : undefined;
    const signing = secret ?? generated;
    const stored: WebhookSave = {
      ...{ tenant, webhook: name, url, types: types ?? null, enabled, callbacks },
      ...(signing === undefined ? {} : { secret: this.secrets.seal(tenant, name, signing) }),
    };
    const at = await this.record(context, {
      webhook: name,
      change: 'registered',
      host: hostOf(url),
      ...(types === undefined ? {} : { types: types.length }),
      ...(enabled ? {} : { disabled: true }),
    });
    await this.logClient.admin('webhook-save', stored);
    const webhook = await this.logClient.admin<WebhookView>('webhook', { tenant, webhook: name });
    const answer = { webhook, ...(generated === undefined ? {} : { secret: generated }), position: at };
    return Reply.json(answer, { headers: NO_STORE });
  }

  @Endpoint({
    method: 'DELETE',
    path: '/v1/webhooks/:name',
    summary: 'Remove a webhook, its secrets and its dead letters',
    roles: ['admin'],
    answer: removedAnswer,
  })
  async remove(@Ctx() context: RequestContext, @Params(named) { name }: Named): Promise<z.infer<typeof removedAnswer>> {
    const { tenant } = context.caller;
    await this.logClient.admin('webhook', { tenant, webhook: name });
    const at = await this.record(context, { webhook: name, change: 'removed' });
    await this.logClient.admin('webhook-remove', { tenant, webhook: name });
    return { name, position: at };
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/webhooks/:name/rotation',
    summary: 'Replace the signing secret; the former one signs too for a time',
    roles: ['admin'],
    answer: rotatedAnswer,
  })
  async rotate(
    @Ctx() context: RequestContext,
    @Params(named) { name }: Named,
    @Body(rotationRequest) { secret, overlap = DEFAULT_OVERLAP }: z.infer<typeof rotationRequest>,
  ): Promise<Reply> {
    const { tenant } = context.caller;
    const overlapMs = parseDuration(overlap) ?? 0;
    if (overlapMs > LIMITS.webhooks.overlapMs)
      throw new Refused('BAD_REQUEST', `overlap may be ${LIMITS.webhooks.overlapMs / 86_400_000}d at most`);
    await this.logClient.admin('webhook', { tenant, webhook: name });
    const generated = secret === undefined ? this.secrets.make() : undefined;
    const sealed = this.secrets.seal(tenant, name, secret ?? (generated as string));
    const at = await this.record(context, { webhook: name, change: 'rotated' });
    const body = { tenant, webhook: name, secret: sealed, overlapMs };
    const { until } = await this.logClient.admin<{ until: string }>('webhook-rotate', body);
    const answer = {
      name,
      ...(generated === undefined ? {} : { secret: generated }),
      formerUntil: until,
      position: at,
    };
    return Reply.json(answer, { headers: NO_STORE });
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/webhooks/:name/test',
    summary: 'Send a signed message of type WebhookTest, once, and report what became of it',
    roles: ['admin'],
    answer: attemptAnswer,
  })
  test(
    @Ctx() { caller }: RequestContext,
    @Params(named) { name }: Named,
    @Body(noBody) _body: Record<string, never>,
  ): Promise<AttemptAnswer> {
    return this.logClient.ledger('webhook-test', { tenant: caller.tenant, webhook: name }, ATTEMPT_MS);
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/webhooks/:name/dead-letters',
    summary: 'Events that were not delivered and are not tried again, newest first',
    roles: ['admin', 'analyst'],
    answer: deadAnswer,
  })
  async deadLetters(
    @Ctx() { caller }: RequestContext,
    @Params(named) { name }: Named,
  ): Promise<z.infer<typeof deadAnswer>> {
    const asked = { tenant: caller.tenant, webhook: name };
    await this.logClient.admin('webhook', asked);
    const { items } = await this.logClient.admin<{ items: DeadLetter[] }>('webhook-dead', asked);
    return { items, next: null };
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/webhooks/:name/redelivery',
    summary: 'Send an event of the tenant again, once, such as a dead letter, which is removed if it is delivered',
    roles: ['admin'],
    answer: attemptAnswer,
  })
  redeliver(
    @Ctx() { caller }: RequestContext,
    @Params(named) { name }: Named,
    @Body(redeliveryRequest) { id }: z.infer<typeof redeliveryRequest>,
  ): Promise<AttemptAnswer> {
    return this.logClient.ledger('webhook-redeliver', { tenant: caller.tenant, webhook: name, id }, ATTEMPT_MS);
  }

  private async record(context: RequestContext, change: z.infer<typeof webhookChange>): Promise<number> {
    const command = context.command('recordWebhook', logName(context.caller.tenant, 0), change);
    return (await this.logClient.command<{ position: number }>(command)).position;
  }
}
