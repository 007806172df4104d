import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { idOf, logNameSchema, position, ref } from '../primitives';

/*
 * Queries for what a search of the AuthZEN API tries. An answer permits nothing: each candidate is decided like a call.
 */

const limit = z.number().int().min(1).max(LIMITS.authzen.candidates);

/** the open leases in the order of their issue; of a run: its own; of a person: the newest root leases, newest first */
export const leasesQuery = z.strictObject({
  op: z.literal('leases'),
  log: logNameSchema,
  runId: idOf('run').optional(),
  principalRef: ref.optional(),
  /** position of the last lease of the previous page */
  after: position.optional(),
  limit,
});

/** the people in whose names root leases are open, each once */
export const principalsQuery = z.strictObject({
  op: z.literal('principals'),
  log: logNameSchema,
  after: position.optional(),
  limit,
});

/** the verbs that a lease may allow, in alphabetical order */
export const verbsQuery = z.strictObject({
  op: z.literal('verbs'),
  log: logNameSchema,
  grantId: idOf('grant'),
  after: z.string().max(LIMITS.nameLength).optional(),
  limit,
});

/** the types of subjects that the policy in force maps to people */
export const subjectTypesQuery = z.strictObject({ op: z.literal('subjectTypes'), log: logNameSchema });

export const leaseView = z.object({ grantId: idOf('grant'), runId: idOf('run'), position });
export type LeaseView = z.infer<typeof leaseView>;

/** Answer to `leases`; `next` is `after` of the next page, null after the last one. */
export const leasesView = z.object({ items: z.array(leaseView), next: position.nullable() });
export type LeasesView = z.infer<typeof leasesView>;

/** Answer to `principals`: each with a run in their name, whose payload has it. */
export const principalsView = z.object({
  items: z.array(z.object({ principalRef: ref, runId: idOf('run'), position })),
  next: position.nullable(),
});
export type PrincipalsView = z.infer<typeof principalsView>;

/** Answer to `verbs`. */
export const verbsView = z.object({ items: z.array(z.string()), next: z.string().nullable() });
export type VerbsView = z.infer<typeof verbsView>;

/** Answer to `subjectTypes`: the name of a person is `prefix` followed by the id of the subject. */
export const subjectTypesView = z.object({ items: z.array(z.object({ type: z.string(), prefix: z.string() })) });
export type SubjectTypesView = z.infer<typeof subjectTypesView>;
