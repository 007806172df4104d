import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { eventTypes } from '../events/event';
import { accessCallback } from '../http/access-requests';
import { idOf, position, tenantName, time } from '../primitives';
import { webhookHost, webhookName } from './webhook-change';

/** Where events are sent: no user name, which is a secret, and no fragment, which is not sent. */
export const webhookUrl = z
  .url({ protocol: /^https?$/ })
  .max(2_048)
  .regex(/^[^\0]*$/, 'must have no NUL')
  .refine((value) => isPlain(value), { error: 'must have no user name and no fragment' })
  .refine((value) => !URL.canParse(value) || webhookHost.safeParse(new URL(value).host).success, {
    error: 'must have a host of at most 300 characters',
  });

function isPlain(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { username, password } = new URL(value);
  return username === '' && password === '' && !value.includes('#');
}

/**
 * A signing secret of Standard Webhooks: `whsec_` and the base64 of 24 to 64 bytes.
 * @see Standard Webhooks, Symmetric secrets
 */
export const webhookSecret = z
  .string()
  .regex(/^whsec_[A-Za-z0-9+/]{32,86}={0,2}$/, 'must be whsec_ and the base64 of 24 to 64 bytes')
  .refine((text) => isBytes(text), { error: 'must be whsec_ and the base64 of 24 to 64 bytes' });

function isBytes(secret: string): boolean {
  const text = secret.slice('whsec_'.length);
  const bytes = Buffer.from(text, 'base64');
  return bytes.length >= 24 && bytes.length <= 64 && bytes.toString('base64') === text;
}

export const webhookTypes = z
  .array(z.enum(eventTypes()))
  .min(1)
  .max(eventTypes().length)
  .refine((types) => new Set(types).size === types.length, { error: 'must name each type once' });

/** What an administrator registers. */
export const webhookRequest = z
  .strictObject({
    url: webhookUrl,
    /** the types of the events that are sent; left out: all of them */
    types: webhookTypes.optional(),
    /** signs; left out: a generated one, which the response shows, or the one that the webhook has */
    secret: webhookSecret.optional(),
    /** false: nothing is sent until it is true; events wait in the log */
    enabled: z.boolean().optional(),
    /** true: in place of events it is sent what became of the requests for access that name its address as their callback */
    callbacks: z.boolean().optional(),
  })
  .refine(({ types, callbacks }) => callbacks !== true || types === undefined, {
    error: 'types are for events: leave them out with callbacks',
  });
export type WebhookRequest = z.infer<typeof webhookRequest>;

/** A secret that only the ledger can read, and until when it signs; left out: until it is replaced. */
export const sealedWebhookSecret = z.strictObject({
  sealed: z.string().max(1_024),
  until: time.optional(),
});
export type SealedWebhookSecret = z.infer<typeof sealedWebhookSecret>;

/** The context of an encrypted signing secret: it opens for this tenant and webhook alone. */
export const webhookSealingContext = (tenant: string, webhook: string): readonly string[] => [
  'webhook secret',
  tenant,
  webhook,
];

/** How far a webhook has come in one log of its tenant. */
export const webhookProgress = z.object({
  log: z.string(),
  /** of the next event to send */
  position,
  /** events of the log that it has not come to */
  behind: position,
  /** attempts of the event at `position` so far */
  attempts: z.number(),
  nextAt: time.optional(),
  error: z.string().optional(),
  failingSince: time.optional(),
  lastDeliveredAt: time.optional(),
  /** deliveries that were accepted, and attempts that failed, since it was registered */
  delivered: z.number(),
  failed: z.number(),
});
export type WebhookProgress = z.infer<typeof webhookProgress>;

export const webhookView = z.object({
  name: webhookName,
  /** without the values of its query */
  url: z.string(),
  types: z.array(z.string()).optional(),
  enabled: z.boolean(),
  /** why it is not: an administrator, or an endpoint that failed for too long */
  disabled: z.object({ at: time, reason: z.string() }).optional(),
  callbacks: z.boolean(),
  registeredAt: time,
  /** signing secrets: two during a rotation */
  secrets: z.number(),
  deadLetters: z.number(),
  logs: z.array(webhookProgress),
});
export type WebhookView = z.infer<typeof webhookView>;

/** An event that was not delivered, and is not tried again unless it is asked for. */
export const deadLetter = z.object({
  /** the `webhook-id`: `<log>:<position>` */
  id: z.string(),
  type: z.string(),
  attempts: z.number(),
  error: z.string(),
  at: time,
});
export type DeadLetter = z.infer<typeof deadLetter>;

/** What became of one attempt. */
export const attemptAnswer = z.object({
  id: z.string(),
  delivered: z.boolean(),
  /** of the response of the endpoint */
  status: z.number().optional(),
  error: z.string().optional(),
});
export type AttemptAnswer = z.infer<typeof attemptAnswer>;

/** What a webhook, an event and an answer are called in requests. */
export const redeliveryRequest = z.strictObject({
  id: z
    .string()
    .min(1)
    .max(LIMITS.idLength * 2),
});
export const rotationRequest = z.strictObject({
  /** left out: a generated one, which the response shows */
  secret: webhookSecret.optional(),
  /** how long the former secret signs too */
  overlap: z
    .string()
    .regex(/^\d{1,4}[smhd]$/, 'must be a whole number with s, m, h or d, such as 24h')
    .optional(),
});

// requests to the delegation service, which stores webhooks
export const webhooksQuery = z.strictObject({ tenant: tenantName });
export const webhookQuery = z.strictObject({ tenant: tenantName, webhook: webhookName });
export const webhookSave = z.strictObject({
  tenant: tenantName,
  webhook: webhookName,
  url: webhookUrl,
  types: webhookTypes.nullable(),
  /** left out: the stored ones */
  secret: sealedWebhookSecret.optional(),
  enabled: z.boolean(),
  callbacks: z.boolean(),
});
export type WebhookSave = z.infer<typeof webhookSave>;
/** a requester names a registered webhook as the callback of its request */
export const webhookCallbackSave = z.strictObject({
  tenant: tenantName,
  approval: idOf('approval'),
  statusEndpoint: z.string().max(2_048),
  callback: accessCallback.pick({ endpoint: true, state: true, events: true }),
});
export type WebhookCallbackSave = z.infer<typeof webhookCallbackSave>;
export const webhookRotate = z.strictObject({
  tenant: tenantName,
  webhook: webhookName,
  secret: sealedWebhookSecret,
  /** ms for which the former secret signs too */
  overlapMs: z.int().min(0).max(LIMITS.webhooks.overlapMs),
});

/**
 * What may be shown of an address: no long part of its path and no value of its query, nor a name in it that has no value.
 * They may be secrets: many services know the sender by nothing else.
 */
export function shownUrl(url: string): string {
  const shown = new URL(url);
  shown.pathname = shown.pathname.replace(/[^/]{16,}/g, (part) => `${part.slice(0, 4)}…`);
  const values = [...shown.searchParams].map(([name, value]) => (value === '' ? '…' : `${encodeURIComponent(name)}=…`));
  shown.search = values.join('&');
  return shown.href;
}

export const hostOf = (url: string): string => webhookHost.parse(new URL(url).host);
