import type { Command } from '#contracts/command';
import type { Event } from '#contracts/event';
import { statedVersion } from '#contracts/upcast';
import { rfc3339 } from '#kernel/clock';
import { saltedDigest } from '#kernel/digest';
import { deriveId } from '#kernel/derive-id';
import type { NewEvent } from './decide/types';
import type { LogState } from './state';

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
