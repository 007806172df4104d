import type { Command } from '@bailiwick/contracts/command';
import { parseEvent, whyUnreadable, type Event } from '@bailiwick/contracts/event';
import type { Refusal } from '@bailiwick/contracts/reason';
import { statedVersion } from '@bailiwick/contracts/upcast';
import { rfc3339 } from '@bailiwick/core/clock';
import { saltedDigest } from '@bailiwick/core/digest';
import { deriveId } from '@bailiwick/core/derive-id';
import { LIMITS } from '@bailiwick/core/limits';
import { err, ok, type Result } from '@bailiwick/core/result';
import type { NewEvent } from './types';
import type { LogState } from '../state/state';
import { clip } from '../presentation/text';

/** An event with its place, as it will be stored: `body` byte for byte, `payload` (JSON text) beside it. */
export interface Sealed {
  readonly event: Event;
  readonly body: string;
  readonly payload: string | undefined;
}

/**
 * Gives a decided event the next place of the log. The personal data of its command stays beside it, named by digest.
 * What is folded now is what will be read again (I10): the event has no member that JSON would drop or change.
 */
export function seal(state: LogState, command: Command, now: number, fresh: NewEvent, position = state.next): Sealed {
  const { type, data, payload: carries, ...place } = fresh;
  const payload = carries ? command.payload : undefined;
  const { treeId, runId, grantId, actionId } = place;
  const { actor, commandId, requestDigest } = command;
  const v = statedVersion(type);
  const event = {
    ...(v === undefined ? {} : { v }),
    log: state.log,
    position,
    id: deriveId('event', state.n, commandId, String(position)),
    type,
    time: rfc3339(now),
    tenant: state.tenant,
    ...(treeId === undefined ? {} : { treeId }),
    ...(runId === undefined ? {} : { runId }),
    ...(grantId === undefined ? {} : { grantId }),
    ...(actionId === undefined ? {} : { actionId }),
    actor,
    commandId,
    ...(requestDigest === undefined ? {} : { requestDigest }),
    ...(payload === undefined ? {} : { payloadDigest: saltedDigest(payload.salt, payload.value) }),
    data,
  } as Event;
  return { event, body: JSON.stringify(event), payload: payload && JSON.stringify(payload) };
}

/**
 * Everything that a command makes, at the next positions of the log, or why none of it may be written. Each body is read
 * back by the reader of stored events before anything is folded or staged: what the reader refuses is never appended
 * (I11), and what is folded is what every later reader finds (I10). Whoever appends events takes them from here.
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

/** What does not fit. A store that refused it would fail the whole batch with it. */
function sizeFault({ event, body, payload }: Sealed): string | undefined {
  const bytes = Buffer.byteLength(body);
  if (bytes > LIMITS.eventBodyBytes)
    return `this would make a ${event.type} event of ${bytes} bytes; at most ${LIMITS.eventBodyBytes} fit. Send digests instead of long values`;
  const beside = payload === undefined ? 0 : Buffer.byteLength(payload);
  if (beside > LIMITS.payloadBytes)
    return `the texts of this request take ${beside} bytes; at most ${LIMITS.payloadBytes} fit. Send shorter ones`;
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
    `this would make a ${type} event that could not be read again: ${whyUnreadable(error)}. Send fewer or shorter values`,
    LIMITS.detailLength,
  );
