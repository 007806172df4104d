import { parseTime, systemClock } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { NotSent, type Outbound, type OutboundResponse } from '@bailiwick/platform/outbound/outbound';
import type { Networks } from '@bailiwick/platform/networks';
import type { Attempt } from './progress';
import { signedHeaders, type WebhookMessage } from './signature';

const ERROR_CHARS = 300;

/**
 * Sends one message once. Anything but a response of 2xx is a failure: a redirect is not followed, since it could lead to
 * an address that no administrator named. The body of a response is not read.
 */
export async function attemptDelivery(
  outbound: Pick<Outbound, 'send'>,
  networks: Networks,
  url: string,
  secrets: readonly string[],
  message: WebhookMessage,
  stopped: AbortSignal,
): Promise<Attempt> {
  if (isPlainOutside(url, networks))
    return { delivered: false, error: 'the address is not https, nor in BAILIWICK_WEBHOOK_NETWORKS' };
  try {
    const response = await outbound.send(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'bailiwick-webhooks',
        ...signedHeaders(secrets, message, Math.floor(systemClock.now() / 1_000)),
      },
      body: message.body,
      signal: AbortSignal.any([stopped, AbortSignal.timeout(LIMITS.webhooks.attemptMs)]),
    });
    response.body.on('error', () => undefined).destroy(); // unread: it may be endless
    return attemptOf(response);
  } catch (error) {
    const reason = error instanceof NotSent ? error.message : 'the connection ended before a response';
    return { delivered: false, error: reason.slice(0, ERROR_CHARS) };
  }
}

/** Unencrypted requests are sent only to addresses that the operator has allowed, and that the address itself states. */
export function isPlainOutside(url: string, networks: Networks): boolean {
  const { protocol, hostname } = new URL(url);
  if (protocol === 'https:') return false;
  const host = hostname.replace(/^\[|\]$/g, '');
  return !networks.isStated(host === 'localhost' ? '127.0.0.1' : host);
}

function attemptOf({ status, headers }: OutboundResponse): Attempt {
  if (status >= 200 && status < 300) return { delivered: true, status };
  const retryAfterMs = waitOf(headers['retry-after']);
  return {
    delivered: false,
    status,
    error:
      status >= 300 && status < 400 ? `it answered ${status}; redirects are not followed` : `it answered ${status}`,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(status === 410 ? { isGone: true as const } : {}),
  };
}

/** Reads `Retry-After`: seconds, or a date. */
function waitOf(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000;
  const at = parseTime(value) ?? Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - systemClock.now());
}
