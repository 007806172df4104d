import type { Command } from '@bailiwick/contracts/commands/command';
import { parseEvent, whyUnreadable, type Event } from '@bailiwick/contracts/events/event';
import type { Refusal } from '@bailiwick/contracts/reason';
import { statedVersion } from '@bailiwick/contracts/events/upcast';
import { rfc3339 } from '@bailiwick/core/clock';
import { saltedDigest } from '@bailiwick/core/digest';
import { deriveId } from '@bailiwick/core/derive-id';
import { LIMITS } from '@bailiwick/core/limits';
import { err, ok, type Result } from '@bailiwick/core/result';
import type { NewEvent } from './types';
import type { LogState } from '../state/state';
import { clip } from '../presentation/text';

/**
 * An event with its position, as it will be stored: `body` byte for byte, with `payload` (JSON text) stored separately.
 */
export interface Sealed {
  readonly event: Event;
  readonly body: string;
  readonly payload: string | undefined;
}

/**
 * Gives a decided event the next position of the log. The personal data of its command is stored separately and
 * referred to by digest. Members that are undefined are not written; `sealAll` folds the event that is read back.
 */
export function seal(state: LogState, command: Command, now: number, fresh: NewEvent, position = state.next): Sealed {
  const { type, data, payload: carries, ...place } = fresh;
  const payload = carries ? command.payload : undefined;
  const { treeId, runId, grantId, actionId } = place;
  const { actor, commandId, requestDigest } = command;
  const event = {
    v: statedVersion(type),
    log: state.log,
    position,
    id: deriveId('event', state.n, commandId, String(position)),
    type,
    time: rfc3339(now),
    tenant: state.tenant,
    treeId,
    runId,
    grantId,
    actionId,
    actor,
    commandId,
    requestDigest,
    payloadDigest: payload && saltedDigest(payload.salt, payload.value),
    data,
  } as Event;
  return { event, body: JSON.stringify(event), payload: payload && JSON.stringify(payload) };
}

/**
 * Seals all events of a command at the next positions of the log, or returns why none of them may be written. The
 * reader of stored events reads each body back before anything is folded or staged: an event that the reader refuses is
 * never appended (I11), and the folded event equals the one that every later reader finds (I10). Every writer takes its
 * events from here.
 */
export function sealAll(
  state: LogState,
  command: Command,
  now: number,
  decided: readonly NewEvent[],
): Result<Sealed[], Refusal> {
  const all: Sealed[] = [];
  for (const fresh of decided) {
    const sealed = seal(state, command, now, fresh, state.next + all.length);
    const tooLarge = sizeFault(sealed);
    if (tooLarge !== undefined) return err({ code: 'TOO_LARGE', detail: tooLarge });
    const read = readBack(sealed.body);
    if (!read.ok) return err({ code: 'EVENT_NOT_READABLE', detail: unreadable(fresh.type, read.error) });
    all.push({ ...sealed, event: read.value });
  }
  return ok(all);
}

/** Explains which event or payload is too large. A store that refused it would fail the whole batch. */
function sizeFault({ event, body, payload }: Sealed): string | undefined {
  const bytes = Buffer.byteLength(body);
  if (bytes > LIMITS.eventBodyBytes)
    return `the request would make a ${event.type} event of ${bytes} bytes; at most ${LIMITS.eventBodyBytes} fit. Send digests instead of long values`;
  const payloadBytes = payload === undefined ? 0 : Buffer.byteLength(payload);
  if (payloadBytes > LIMITS.payloadBytes)
    return `the texts of the request take ${payloadBytes} bytes; at most ${LIMITS.payloadBytes} fit. Send shorter ones`;
  return undefined;
}

function readBack(body: string): Result<Event, unknown> {
  try {
    return ok(parseEvent(body));
  } catch (error) {
    return err(error);
  }
}

const unreadable = (type: string, error: unknown): string =>
  clip(
    `the request would make a ${type} event that could not be read back: ${whyUnreadable(error)}. Send fewer or shorter values`,
    LIMITS.detailLength,
  );
