import { createHmac } from 'node:crypto';

/** What is sent: `id` is the same in each attempt, so that a receiver can recognize what it has. */
export interface WebhookMessage {
  readonly id: string;
  readonly type: string;
  readonly body: string;
}

/**
 * Returns the headers of one attempt. Each secret signs, so that a receiver may verify with any of them during a rotation.
 * @param secrets `whsec_…`
 * @param seconds since the epoch, of this attempt
 * @see Standard Webhooks, Webhook headers; Signature scheme
 */
export function signedHeaders(
  secrets: readonly string[],
  { id, body }: Pick<WebhookMessage, 'id' | 'body'>,
  seconds: number,
): Record<string, string> {
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`;
  });
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': signatures.join(' '),
  };
}
