import type { Command } from '#contracts/command';
import type { Event, Payload } from '#contracts/event';
import { rfc3339 } from '#kernel/clock';
import { saltedDigest } from '#kernel/digest';
import { deriveId } from '#kernel/ids';
import type { NewEvent } from './decide/types';
import type { LogState } from './state';

/** An event with its place, as it will be stored: `body` byte for byte, `payload` beside it. */
export interface Sealed {
  readonly event: Event;
  readonly body: string;
  readonly payload: Payload | undefined;
}

/** Gives a decided event the next place of the log. The personal data of its command stays beside it, named by digest. */
export function seal(state: LogState, command: Command, now: number, fresh: NewEvent, position = state.next): Sealed {
  const { type, data, payload: carries, ...place } = fresh;
  const payload = carries ? command.payload : undefined;
  const event = {
    log: state.log,
    position,
    id: deriveId('event', state.n, command.commandId, String(position)),
    type,
    time: rfc3339(now),
    tenant: state.tenant,
    treeId: place.treeId,
    runId: place.runId,
    grantId: place.grantId,
    actionId: place.actionId,
    actor: command.actor,
    commandId: command.commandId,
    requestDigest: command.requestDigest,
    payloadDigest: payload ? saltedDigest(payload.salt, payload.value) : undefined,
    data,
  } as Event;
  const body = JSON.stringify(event);
  // what is folded now is what will be read again (I10): no member that JSON would drop or change
  return { event: JSON.parse(body) as Event, body, payload };
}
