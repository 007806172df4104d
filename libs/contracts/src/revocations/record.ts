import { z } from 'zod';
import { pointView } from '../enforcement/points';
import { idOf, position } from '../primitives';
import { LIMITS } from '@bailiwick/core/limits';

/** A page of the record of a revocation: which of its consequences to return. */
export const recordPage = {
  /** the `next` of the page before */
  after: idOf('grant').or(idOf('approval')).optional(),
  limit: z.coerce.number().int().min(1).max(LIMITS.revocationPage).optional(),
};

const stopped = z.object({
  log: z.string(),
  revocationId: z.string(),
  runId: z.string(),
  agentClass: z.string(),
  inFlight: z.number(),
  pendingApprovals: z.number(),
  /** minor units by currency */
  reservedCost: z.record(z.string(), z.number()),
  position: z.number(),
});
/** What a revocation stopped: a lease, or the request of a run that has none. */
export const consequence = z.union([
  stopped.extend({ grantId: z.string() }),
  stopped.extend({ approvalId: z.string() }),
]);

/** A revocation with a page of what it stopped. */
export const revocationRecord = z.object({
  revocationId: z.string(),
  /** as stored: people and purposes by ref; left out for the revocation of one lease */
  selector: z.record(z.string(), z.unknown()).optional(),
  target: z.enum(['tool', 'leases']).optional(),
  quarantine: z.boolean().optional(),
  /** left out: it ended leases for good */
  mode: z.literal('suspend').optional(),
  /** mode `suspend`: when it ends, and when it was lifted */
  until: z.string().optional(),
  resumedAt: z.string().optional(),
  /** of its event; left out if the page is empty and only the consequences are known */
  position: z.number().optional(),
  at: z.string().optional(),
  by: z.string().optional(),
  reason: z.string().optional(),
  incident: z.string().optional(),
  /** of all pages; `rows`: the number of consequences. Only on the first page */
  counts: z.object({
    grants: z.number(),
    runs: z.number(),
    inFlight: z.number(),
    pendingApprovals: z.number(),
    rows: z.number(),
  }),
  /** what enforces it, and how long each took. Only on the first page, and not while the gateway may not know every point */
  enforcement: z.array(pointView).optional(),
  consequences: z.array(consequence),
  /** where the next page starts; null after the last one */
  next: z.string().nullable(),
});
export type RevocationRecord = z.infer<typeof revocationRecord>;

/** A suspension, or a revocation with a quarantine, that applies now: a person may lift it. */
export const revocationInForce = revocationRecord
  .pick({ revocationId: true, selector: true, target: true, quarantine: true, mode: true, until: true })
  .extend({
    position,
    // left out if its event cannot be read
    at: z.string().optional(),
    by: z.string().optional(),
    reason: z.string().optional(),
    incident: z.string().optional(),
  });
export type RevocationInForce = z.infer<typeof revocationInForce>;

/** Newest first. */
export const inForcePage = {
  /** the `next` of the page before */
  before: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  limit: z.coerce.number().int().min(1).max(LIMITS.inForcePage).optional(),
};
export const inForceAnswer = z.object({
  items: z.array(revocationInForce),
  /** where the next page starts; null after the last one */
  next: position.nullable(),
});
export type InForceAnswer = z.infer<typeof inForceAnswer>;
