import { z } from 'zod';
import { saltedDigest } from '@bailiwick/core/digest';
import { parseExactly } from '@bailiwick/core/json';
import { parseEvent, payload as payloadSchema, type Event } from './event';

const compiled = z.compile(payloadSchema, { strict: true });

export type Words = Readonly<Record<string, unknown>>;

/**
 * What stands beside an event: null where nothing does, it was erased, or it is not what the event names by its
 * salted digest. A payload that somebody changed is nobody's word (I11, I12).
 */
export function wordsOf(event: Event, stored: string | null | undefined): Words | null {
  if (stored == null || event.payloadDigest === undefined) return null;
  const parsed = compiled.safeParse(fromJson(stored));
  if (!parsed.success) return null;
  const { salt, value } = parsed.data;
  return saltedDigest(salt, value) === event.payloadDigest ? value : null;
}

/** Is there a payload beside the event that is not the one it names? */
export const isForeign = (event: Event, stored: string | null | undefined): boolean =>
  stored != null && wordsOf(event, stored) === null;

/** A stored event with its words. @throws where its body is of no known shape */
export function readStored({ body, payload }: { body: string; payload?: string | null | undefined }): {
  event: Event;
  payload: Words | null;
} {
  const event = parseEvent(body);
  return { event, payload: wordsOf(event, payload) };
}

/** The same, or undefined where the body cannot be read. */
export function readWhereReadable(stored: Parameters<typeof readStored>[0]): ReturnType<typeof readStored> | undefined {
  try {
    return readStored(stored);
  } catch {
    return undefined;
  }
}

function fromJson(text: string): unknown {
  try {
    return parseExactly(text);
  } catch {
    return undefined;
  }
}
