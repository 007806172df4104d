import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { webhookName } from '../webhooks/webhook-change';

/** The name of a transmitter of security events in the configuration. */
export const transmitterName = webhookName;

const PREFIX = 'signals:';

/** The id of the actor that has the effects of a transmitter's tokens, a service. */
export const transmitterActor = (name: string): string => `${PREFIX}${name}`;

/** Reports whether a command is the effect of a transmitter's token. */
export const isTransmitter = ({ kind, id }: { readonly kind: string; readonly id: string }): boolean =>
  kind === 'service' && id.startsWith(PREFIX);

/** Names a security event token by a digest of its `jti`: a text of another party, which could name a person. */
export const signalSet = z.string().regex(/^set:[0-9a-f]{32}$/);

/**
 * A verified security event token that stopped nothing, or of which a part was refused. What it stops has its revocation
 * in the log.
 */
export const signalRecord = z.strictObject({
  transmitter: transmitterName,
  set: signalSet,
  /** the types of its events, the first ones, each at its first characters */
  types: z.array(z.string().min(1).max(LIMITS.signals.typeChars)).min(1).max(LIMITS.signals.eventsPerSet),
  /**
   * no event takes authority away; or it names no one whom the configuration maps; or nothing of theirs is live; or what
   * it asks for was refused for good
   */
  outcome: z.enum(['ignored', 'unknownSubject', 'nothingLive', 'refused']),
});
export type SignalRecord = z.infer<typeof signalRecord>;
