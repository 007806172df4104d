import { LIMITS } from '#kernel/limits';
import type { AppendEvent } from './port';

/** A batch that cannot be right is a mistake of the caller, not a conflict: it is thrown. */
export function checkBatch(expectedPosition: number, events: readonly AppendEvent[]): void {
  if (events.length === 0 || events.length > LIMITS.appendBatchEvents) {
    throw new RangeError(`an append takes 1 to ${LIMITS.appendBatchEvents} events, not ${events.length}`);
  }
  events.forEach((event, i) => {
    if (event.position !== expectedPosition + i)
      throw new RangeError(`event ${i} says position ${event.position}, not ${expectedPosition + i} (I5)`);
    if (Buffer.byteLength(event.body) > LIMITS.eventBodyBytes)
      throw new RangeError(`the body at ${event.position} is over ${LIMITS.eventBodyBytes} bytes`);
    if (event.payload !== undefined && Buffer.byteLength(event.payload) > LIMITS.payloadBytes)
      throw new RangeError(`the payload at ${event.position} is over ${LIMITS.payloadBytes} bytes`);
  });
}
