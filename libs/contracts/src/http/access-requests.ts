import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { freeText, time } from '../primitives';

/*
 * Requests for access by the AuthZEN Access Request and Approval Profile (draft of 2026-08). Members that are not defined
 * are ignored, as it requires, except for `items`, which would change what is asked for.
 */

const properties = z.record(z.string(), z.unknown()).optional();
const notSupported = (what: string) => z.never({ error: what }).optional();

/** The events of a callback that its profile defines; `failed` and `partial` do not occur here. */
export const CALLBACK_EVENTS = ['approved', 'denied', 'expired', 'cancelled', 'failed', 'partial'] as const;
export type CallbackEvent = (typeof CALLBACK_EVENTS)[number];

/** @see AuthZEN Callback Notifications Profile (draft of 2026-10) */
export const accessCallback = z.looseObject({
  /** exactly the address of a webhook that an administrator registered for callbacks */
  endpoint: z
    .string()
    .min(1)
    .max(2_048)
    .regex(/^[^\0]*$/, 'must have no NUL'),
  /** returned unchanged */
  state: z
    .string()
    .max(LIMITS.webhooks.callbackStateChars)
    .regex(/^[^\0]*$/, 'must have no NUL')
    .optional(),
  events: z.array(z.enum(CALLBACK_EVENTS)).min(1).max(CALLBACK_EVENTS.length).optional(),
});

export const accessRequestBody = z.looseObject({
  /** of the denied evaluation, unchanged */
  subject: z.looseObject({ type: z.string(), id: z.string(), properties }),
  action: z.looseObject({ name: z.string(), properties }),
  resource: z.looseObject({ type: z.string(), id: z.string(), properties }),
  /** of the denied evaluation; `business_justification` is shown in the log as the words of the agent */
  context: z.looseObject({ business_justification: freeText(LIMITS.textLength).optional() }).optional(),
  denial: z
    .looseObject({
      /** `context.access_request.expires_at` of the denied evaluation */
      expires_at: time,
      /** `context.access_request.binding_token` of the denied evaluation */
      binding_token: z.string().min(1).max(LIMITS.authzen.token).optional(),
      evaluation_id: z.string().max(LIMITS.idLength).optional(),
    })
    .optional(),
  client: z
    .looseObject({
      actor: z.looseObject({ id: z.string().max(LIMITS.nameLength), act: z.unknown().optional() }).optional(),
    })
    .optional(),
  items: notSupported('several items in one request are not supported; submit each denial'),
  callback: accessCallback.optional(),
});
export type AccessRequestBody = z.infer<typeof accessRequestBody>;

/**
 * What becomes of a request that waits when the lease that it acts under ends: an answer to it would have no effect.
 * @param lease the status of the lease
 * @returns undefined if the request waits on
 */
export function endedWithLease(lease: string): 'cancelled' | 'expired' | undefined {
  if (lease === 'revoked') return 'cancelled';
  return lease === 'expired' || lease === 'exhausted' || lease === 'completed' ? 'expired' : undefined;
}

export const TASK_STATUSES = ['pending', 'approved', 'denied', 'expired', 'cancelled'] as const;

export const taskAnswer = z.object({
  task: z.object({
    id: z.string(),
    status: z.enum(TASK_STATUSES),
    status_endpoint: z.string(),
    expires_at: time.optional(),
    /** pending: `DELETE` of `cancel` withdraws the request */
    links: z.object({ cancel: z.string() }).optional(),
    /** if several people must approve */
    progress: z.object({ current_step: z.number(), total_steps: z.number() }).optional(),
  }),
  /** approved: evaluate again with `approval` in `context` */
  result: z
    .object({
      mode: z.literal('reevaluate'),
      approval: z.object({ id: z.string(), approved_at: time.optional(), approved_until: time }),
    })
    .optional(),
});
export type TaskAnswer = z.infer<typeof taskAnswer>;
