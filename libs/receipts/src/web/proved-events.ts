import { parseEvent, payload as payloadSchema, type Event } from '@bailiwick/contracts/events/event';
import type { ReceiptEvent } from '@bailiwick/contracts/receipts/receipt';
import { canonicalize } from '@bailiwick/core/canonical';
import { ambiguityIn, parseExactly } from '@bailiwick/core/json';
import { z } from 'zod';
import type { StoryEntry } from '../story';
import type { Crypto } from './crypto';
import { Failed, need } from './failed';
import type { Inclusion } from './inclusion';

// The steps `proofs` and `payloads` of a verification: from stored bytes to events that are in the log.

/** Checks that each body is the event at its position in the log, in order, and all in one tree. */
export function included(events: readonly ReceiptEvent[], inclusion: Inclusion, origin: string): [Event[], string] {
  let last = -1;
  const read = events.map(({ position, body, proof, log }): Event => {
    at(position, () => inclusion.verify(body, position, proof));
    need(position > last, `event ${position}: each event must occur once, in the order of the log`, position);
    last = position;
    const event = readEvent(body, position);
    need(
      event.position === position && event.log === log && origin.endsWith(`/${log}`),
      `event ${position}: its body states another log or position`,
      position,
    );
    return event;
  });
  return [read, `${events.length} events, tree of ${inclusion.tree?.size ?? 0}`];
}

/** Adds the position of the event to a failure. */
function at(position: number, check: () => void): void {
  try {
    check();
  } catch (error) {
    throw new Failed(`event ${position}: ${(error as Error).message}`, position);
  }
}

function readEvent(body: string, position: number): Event {
  let event: Event;
  try {
    event = parseEvent(body);
  } catch {
    return need(false, `event ${position}: its body is not a known event`, position);
  }
  const wrong = ambiguityIn(body);
  need(wrong === undefined, `event ${position}: in its body, ${wrong}`, position);
  return event;
}

/** Checks each payload that the receipt contains against the salted digest in its event. */
export function payloadsOf(
  crypto: Crypto,
  shown: readonly ReceiptEvent[],
  events: readonly Event[],
): [StoryEntry[], string] {
  let absent = 0;
  const entries = events.map((event, i): StoryEntry => {
    const text = shown[i]?.payload ?? null;
    if (text === null) {
      if (event.payloadDigest !== undefined) absent += 1;
      return { event, payload: null };
    }
    const value = payloadOf(crypto, text, event.payloadDigest);
    need(value !== undefined, `event ${event.position}: its payload does not match its digest`, event.position);
    return { event, payload: value };
  });
  return [entries, `${shown.filter(({ payload }) => payload != null).length} shown, ${absent} erased or withheld`];
}

const readPayload = z.compile(payloadSchema);

function payloadOf(crypto: Crypto, text: string, named: string | undefined): Record<string, unknown> | undefined {
  let raw: unknown;
  try {
    raw = parseExactly(text);
  } catch {
    return undefined;
  }
  const payload = readPayload.safeParse(raw);
  if (!payload.success) return undefined;
  const { salt, value } = payload.data;
  // 22 characters of base64url hold 16 bytes and four more bits, which must be zero
  if (!/[AQgw]$/.test(salt)) return undefined;
  return named === `sha256:${crypto.saltedHex(salt, canonicalize(value))}` ? value : undefined;
}
