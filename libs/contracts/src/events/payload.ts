import { z } from 'zod';
import { saltedDigest } from '@bailiwick/core/digest';
import { parseExactly } from '@bailiwick/core/json';
import { parseEvent, payload as payloadSchema, type Event } from './event';
import { readStoredEvent } from './shared-parsing';

const compiled = z.compile(payloadSchema, { strict: true });

export type Words = Readonly<Record<string, unknown>>;

/**
 * Returns the payload of an event; null if there is none, it was erased, or it does not match the salted digest in the
 * event. A modified payload is never shown (I11, I12).
 */
export function wordsOf(event: Event, stored: string | null | undefined): Words | null {
  if (stored == null || event.payloadDigest === undefined) return null;
  const parsed = compiled.safeParse(fromJson(stored));
  if (!parsed.success) return null;
  const { salt, value } = parsed.data;
  return saltedDigest(salt, value) === event.payloadDigest ? value : null;
}

/** Returns the random salt of the payload of an event; undefined where `wordsOf` returns null. */
export function saltOf(event: Event, stored: string | null | undefined): string | undefined {
  return stored == null || wordsOf(event, stored) === null ? undefined : compiled.parse(fromJson(stored)).salt;
}

/** Reports whether the stored payload differs from the one that the event identifies. */
export const isForeign = (event: Event, stored: string | null | undefined): boolean =>
  stored != null && wordsOf(event, stored) === null;

/** Parses a stored event with its payload. @throws if its body is of no known shape */
export function readStored({ body, payload }: { body: string; payload?: string | null | undefined }): {
  event: Event;
  payload: Words | null;
} {
  const event = parseEvent(body);
  return { event, payload: wordsOf(event, payload) };
}

/** Parses a stored event with its payload; undefined if the body cannot be read. */
export function readWhereReadable(stored: Parameters<typeof readStored>[0]): ReturnType<typeof readStored> | undefined {
  const read = readStoredEvent(stored);
  return read.ok ? { event: read.value, payload: wordsOf(read.value, stored.payload) } : undefined;
}

function fromJson(text: string): unknown {
  try {
    return parseExactly(text);
  } catch {
    return undefined;
  }
}
