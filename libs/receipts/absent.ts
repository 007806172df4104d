import type { Absent } from '#contracts/receipt';
import type { Story } from './story';

/**
 * The payloads that events name and the receipt does not show. What the event itself says stands and is proved all the
 * same; only the words beside it are gone, or are kept back.
 */
export const absentIn = ({ told }: Story): Absent[] =>
  told.flatMap(({ event, payload }) =>
    event.payloadDigest !== undefined && payload === null ? [{ position: event.position, type: event.type }] : [],
  );
