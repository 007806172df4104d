import { LIMITS } from '@bailiwick/core/limits';
import type { Buried, WebhookCursor } from '@bailiwick/event-store/postgres/webhook-deliveries';

/** What became of one attempt. */
export type Attempt =
  | { readonly delivered: true; readonly status: number }
  | {
      readonly delivered: false;
      readonly error: string;
      readonly status?: number;
      /** ms that the endpoint asks to wait (`Retry-After`) */
      readonly retryAfterMs?: number;
      /** the endpoint states that it is gone for good */
      readonly isGone?: true;
    };

export interface Step {
  readonly cursor: WebhookCursor;
  readonly buried?: Buried;
  /** why the webhook is disabled */
  readonly disabled?: string;
}

/**
 * Decides what follows an attempt of the event at the position of a cursor. Pure. The event is passed only when it was
 * delivered, or is recorded as a dead letter: none is lost. An event is tried again before the events after it are.
 * @param random 0 to 1, so that endpoints that failed together are not tried together
 */
export function afterAttempt(cursor: WebhookCursor, type: string, attempt: Attempt, now: number, random: number): Step {
  const { position } = cursor;
  if (attempt.delivered)
    return {
      cursor: {
        ...passed(cursor),
        failingSince: undefined,
        deliveredAt: now,
        delivered: cursor.delivered + 1,
      },
    };
  const attempts = cursor.attempts + 1;
  const failing = { failingSince: cursor.failingSince ?? now, failed: cursor.failed + 1, error: attempt.error };
  const waiting: WebhookCursor = {
    ...cursor,
    ...failing,
    attempts,
    nextAt: now + retryDelay(attempts, random, attempt.retryAfterMs),
  };
  // the event keeps its place: it is the first one once the webhook is enabled again
  if (attempt.isGone) return { cursor: waiting, disabled: 'the endpoint answered 410 Gone' };
  if (now - failing.failingSince >= LIMITS.webhooks.failingMs)
    return { cursor: waiting, disabled: `every attempt failed for ${LIMITS.webhooks.failingMs / 86_400_000} days` };
  if (attempts < LIMITS.webhooks.attempts) return { cursor: waiting };
  return {
    cursor: { ...passed(cursor), ...failing },
    buried: { position, type, attempts, error: attempt.error },
  };
}

/** Passes an event that the webhook does not ask for, or that was dealt with. */
export const passed = (cursor: WebhookCursor): WebhookCursor => ({
  ...cursor,
  position: cursor.position + 1,
  attempts: 0,
  nextAt: undefined,
  error: undefined,
});

/** Each pause is about five times the one before it, up to the longest one; the endpoint may ask for more, up to that. */
export function retryDelay(attempts: number, random: number, retryAfterMs = 0): number {
  const { firstRetryMs, longestRetryMs } = LIMITS.webhooks;
  const base = Math.min(longestRetryMs, firstRetryMs * 5 ** Math.min(attempts - 1, 20));
  return Math.min(longestRetryMs, Math.max(Math.round(base * (0.75 + random / 2)), retryAfterMs));
}
