import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { digest, logNameSchema, position, tenantName, time } from './primitives';

/**
 * A whole tenant as lines of JSON: a header, then every event of every log in order, then a trailer. What is hashed is
 * `body`, byte for byte as it is stored.
 */
const root = z.string().regex(/^[A-Za-z0-9+/]{43}=$/, 'must be 32 bytes in base64');

export const exportedLog = z.strictObject({
  log: logNameSchema,
  /** events: positions 0 to size − 1 */
  size: position,
  root,
  /** the signed head of this size; null of a log without events */
  checkpoint: z
    .string()
    .max(64 * 1024)
    .nullable(),
  /** who signed it (C2SP verifier key) */
  vkey: z.string().max(1_000),
});
export const exportHeader = z.strictObject({
  bailiwick: z.literal('export'),
  version: z.literal(1),
  tenant: tenantName,
  made: time,
  /** tells which key the refs of people and purposes were made with, and nothing about it */
  pseudonyms: digest,
  logs: z.array(exportedLog).min(1).max(LIMITS.logsPerExport),
});
export type ExportHeader = z.infer<typeof exportHeader>;

export const exportLine = z.strictObject({
  log: logNameSchema,
  position,
  type: z.string().max(64),
  time,
  body: z.string().max(LIMITS.eventBodyBytes),
  /** what stands beside the event, as stored; null where nothing does or it was erased */
  payload: z.string().max(LIMITS.payloadBytes).nullable(),
});
export type ExportLine = z.infer<typeof exportLine>;

export const exportTrailer = z.strictObject({
  end: z.literal(true),
  events: position,
  payloads: position,
  logs: z.array(exportedLog.pick({ log: true, size: true, root: true })),
});
export type ExportTrailer = z.infer<typeof exportTrailer>;

/** How an import stands. */
export const importView = z.object({
  tenant: tenantName,
  state: z.enum(['receiving', 'checking', 'done', 'refused']),
  /** log → the next position that is wanted */
  next: z.record(z.string(), position),
  /** events that are checked so far */
  checked: position,
  /** why it is refused */
  detail: z.string().optional(),
});
export type ImportView = z.infer<typeof importView>;
