import { LIMITS } from '@bailiwick/core/limits';
import type { AppendEvent } from './port';

/** Occurs in no JSON text: JSON allows no control characters except white space (RFC 8259, 2 and 7). */
export const SEPARATOR = '\u0001';

const COLUMNS = ['type', 'time', 'body', 'payload', 'treeId', 'runId', 'grantId', 'actionId', 'commandId'] as const;

/** Throws for an invalid batch, since it is an error of the caller and not a conflict. */
export function checkBatch(expectedPosition: number, events: readonly AppendEvent[]): void {
  if (events.length === 0 || events.length > LIMITS.appendBatchEvents) {
    throw new RangeError(`an append takes 1 to ${LIMITS.appendBatchEvents} events, not ${events.length}`);
  }
  events.forEach((event, i) => {
    if (event.position !== expectedPosition + i)
      throw new RangeError(`event ${i} has position ${event.position}, not ${expectedPosition + i} (I5)`);
    if (event.tenant !== events[0]?.tenant) throw new RangeError(`event ${i} is of tenant ${event.tenant} (I9)`);
    const odd = COLUMNS.find((column) => event[column] === '' || event[column]?.includes(SEPARATOR));
    if (odd) throw new RangeError(`the ${odd} at ${event.position} is empty or contains a control character`);
    if (Buffer.byteLength(event.body) > LIMITS.eventBodyBytes)
      throw new RangeError(`the body at ${event.position} is over ${LIMITS.eventBodyBytes} bytes`);
    if (event.payload !== undefined && Buffer.byteLength(event.payload) > LIMITS.payloadBytes)
      throw new RangeError(`the payload at ${event.position} is over ${LIMITS.payloadBytes} bytes`);
  });
}
