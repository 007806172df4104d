import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { digest, logNameSchema, position, tenantName, time } from '../primitives';

/**
 * The export of a whole tenant as lines of JSON: a header, then every event of every log in order, then a trailer.
 * Hashes cover `body`, byte for byte as it is stored.
 */
const root = z.string().regex(/^[A-Za-z0-9+/]{43}=$/, 'must be 32 bytes in base64');

export const exportedLog = z.strictObject({
  log: logNameSchema,
  /** number of events: positions 0 to size − 1 */
  size: position,
  root,
  /** the signed head at this size; null for a log without events */
  checkpoint: z
    .string()
    .max(64 * 1024)
    .nullable(),
  /** the key that signed it (C2SP verifier key) */
  vkey: z.string().max(1_000),
});
export const exportHeader = z.strictObject({
  bailiwick: z.literal('export'),
  version: z.literal(1),
  tenant: tenantName,
  made: time,
  /** identifies the key with which the refs of people and purposes were made, without disclosing it */
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
  /** the event's payload as stored; null if it has none or it was erased */
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

/** The progress of an import. */
export const importView = z.object({
  tenant: tenantName,
  state: z.enum(['receiving', 'checking', 'done', 'refused']),
  /** log → the next expected position */
  next: z.record(z.string(), position),
  /** number of events checked so far */
  checked: position,
  /** the reason if it was refused */
  detail: z.string().optional(),
});
export type ImportView = z.infer<typeof importView>;
