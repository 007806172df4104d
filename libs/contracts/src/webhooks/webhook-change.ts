import { z } from 'zod';

/** The name of a webhook of a tenant. */
export const webhookName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/, 'must be 1 to 32 of a–z, 0–9 and -, not at its ends');

/** The host of an address, with its port if that is not the default one. */
export const webhookHost = z.string().min(1).max(300);

/** A change of a webhook in the log of its tenant. The rest of the address may be a secret, and is not recorded. */
export const webhookChange = z.strictObject({
  webhook: webhookName,
  change: z.enum(['registered', 'rotated', 'removed']),
  /** registered: where events are sent from now on */
  host: webhookHost.optional(),
  /** registered: the number of the types of events that are sent; left out: all of them */
  types: z.int().min(1).optional(),
  /** registered, but nothing is sent */
  disabled: z.literal(true).optional(),
});
