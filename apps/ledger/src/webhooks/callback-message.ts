import { readWhereReadable } from '@bailiwick/contracts/events/payload';
import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import type { CallbackEvent } from '@bailiwick/contracts/http/access-requests';
import type { WebhookCallback } from '@bailiwick/event-store/postgres/webhook-deliveries';
import type { WebhookMessage } from './signature';

/** The types of the events that end leases, and with them requests for access that they do not name. */
export const LEASE_ENDS: readonly string[] = [
  'RevocationRuleAdded',
  'GrantRevoked',
  'GrantExpired',
  'GrantExhausted',
  'RunCompleted',
];

/** The types of the events that end requests for access. */
export const CALLBACK_TYPES: readonly string[] = [
  ...LEASE_ENDS,
  'ApprovalGiven',
  'ApprovalExpired',
  'ApprovalWithdrawn',
];

/** A request for access, by its approval, and what became of it. */
export interface EndedRequest {
  readonly approvalId: string;
  readonly status: CallbackEvent;
}

/** The approval that an event ends, and how; undefined for any other event. */
export function endedBy(stored: StoredEvent): EndedRequest | undefined {
  const event = readWhereReadable(stored)?.event;
  switch (event?.type) {
    case 'ApprovalGiven':
      return {
        approvalId: event.data.approvalId,
        status: event.data.verdict === 'approve' ? 'approved' : 'denied',
      };
    case 'ApprovalExpired':
      return { approvalId: event.data.approvalId, status: 'expired' };
    case 'ApprovalWithdrawn':
      return { approvalId: event.data.approvalId, status: 'cancelled' };
    default:
      return undefined;
  }
}

/**
 * The notification that a request for access has ended. It has no `result`: the requester reads the status, and
 * evaluates again.
 * @param part distinguishes the messages of one event
 * @returns undefined if the callback is not about this event: it has ended by an earlier one, or asks for others only
 * @see AuthZEN Callback Notifications Profile, Notification Delivery
 */
export function callbackMessage(
  { log, position, type }: Pick<StoredEvent, 'log' | 'position' | 'type'>,
  status: CallbackEvent,
  { approval, statusEndpoint, state, events, position: ended }: WebhookCallback,
  part?: string,
): WebhookMessage | undefined {
  if (ended !== undefined && ended !== position) return undefined;
  if (events && !events.includes(status)) return undefined;
  const task = { id: approval, status, status_endpoint: statusEndpoint };
  return {
    id: `${log}:${position}${part === undefined ? '' : `:${part}`}`,
    type,
    body: JSON.stringify({ ...(state === undefined ? {} : { state }), task }),
  };
}
