import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { idOf, logNameSchema } from '../primitives';

/**
 * What an enforcement point enforces of a log. An epoch is a position: everything in the log up to it is enforced at this
 * point, and the calls in flight that it ended are aborted.
 */
export const logReport = z.strictObject({
  log: logNameSchema,
  epoch: z.int().min(-1),
  /** false: it has not heard of the log within its bound, so that it lets nothing of it pass */
  hears: z.boolean(),
  inFlight: z.int().min(0),
  /** calls in flight that it has aborted since it started, by what ended their leases, newest last */
  aborted: z
    .array(z.strictObject({ revocationId: idOf('revocation').optional(), calls: z.int().min(1) }))
    .max(LIMITS.abortsReported),
});
export type LogReport = z.infer<typeof logReport>;

/** A report of an enforcement point, before it is signed. */
export const pointReport = z.strictObject({
  kind: z.literal('boundary'),
  /** `<host>:<pid>`, for operators to find it */
  process: z.string().max(200),
  /** grows with each report */
  sequence: z.int().min(0),
  /** after which it aborts its calls if it hears nothing, ms */
  boundMs: z.int().min(1),
  /** it stops, and has aborted its calls */
  stopping: z.boolean(),
  logs: z.array(logReport).max(LIMITS.pointLogs),
});
export type PointReport = z.infer<typeof pointReport>;

/** `report` is the JSON of a `PointReport`, `key` the public key of the point as SPKI, which also gives it its name. */
export const signedReport = z.strictObject({
  report: z.string().max(LIMITS.pointReportChars),
  key: z.base64url().max(100),
  signature: z.base64url().max(100),
});
export type SignedReport = z.infer<typeof signedReport>;
