import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { freeText, idOf, logNameSchema, position, tenantName } from '../primitives';

/** A stream of security events to one receiver (SSF 1.0 section 8), and requests to the delegation service, which stores it. */

export const CAEP_SESSION_REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';
export const SSF_VERIFICATION = 'https://schemas.openid.net/secevent/ssf/event-type/verification';
export const POLL = 'urn:ietf:rfc:8936';

export const streamId = z.string().regex(/^[0-9a-f]{32}$/, 'must be the id of a stream');
export const streamStatus = z.enum(['enabled', 'paused', 'disabled']);
/** Who a stream belongs to: the id of a key, its name, or the ref of a person. */
export const receiverName = z.string().min(1).max(LIMITS.nameLength);

/** The next event of a log, and the last of its leases that was acknowledged, if it ended several. */
export const streamSpot = z.strictObject({ position, after: idOf('grant').or(idOf('approval')).optional() });
export type StreamSpot = z.infer<typeof streamSpot>;

export const streamSettings = z.strictObject({
  requested: z.array(z.string().min(1).max(500)).max(32),
  description: freeText(500).optional(),
});

export const ssfStream = z.strictObject({
  tenant: tenantName,
  id: streamId,
  receiver: receiverName,
  settings: streamSettings,
  status: streamStatus,
  reason: freeText(500).optional(),
  cursors: z.record(logNameSchema, streamSpot),
  /** a verification event that the receiver asked for and has not acknowledged; `at`: ms */
  verification: z
    .strictObject({ state: z.string().max(1_000).optional(), at: z.int(), isDone: z.boolean() })
    .optional(),
  /** differs after each change */
  version: z.int(),
});
export type SsfStream = z.infer<typeof ssfStream>;
/** With the logs of its tenant, one without a cursor is sent from its start. */
export type StoredStream = SsfStream & { readonly logs: readonly string[] };

export const streamsQuery = z.strictObject({ tenant: tenantName, receiver: receiverName });
export const streamCreate = ssfStream.pick({ tenant: true, id: true, receiver: true, settings: true });
/** `restart`: continues at the present ends of the logs */
export const streamSave = z.strictObject({ stream: ssfStream, restart: z.boolean() });
export const streamRemove = ssfStream.pick({ tenant: true, id: true, receiver: true });
