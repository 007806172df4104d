import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { idOf, logNameSchema, name, ref, time } from '../primitives';

/**
 * Filters of events, runs, grants, actions and approvals: each given member must match. Every value is a text, since
 * the same filters are read from a query string.
 */

/** Words that must all occur in the purpose, the task, a reason or a note, in any order. */
const words = z
  .string()
  .max(LIMITS.nameLength)
  .refine((text) => wordsIn(text).length > 0, { error: 'must have a word of letters or digits' });

const value = z.string().min(1).max(LIMITS.nameLength);
const long = z.string().min(1).max(LIMITS.resourceIdLength);

const common = {
  log: logNameSchema.optional(),
  treeId: idOf('tree').optional(),
  runId: idOf('run').optional(),
  grantId: idOf('grant').optional(),
  /** not before */
  from: time.optional(),
  /** before */
  to: time.optional(),
  agentClass: value.optional(),
  agentInstance: value.optional(),
  model: value.optional(),
  modelVersion: value.optional(),
  environment: value.optional(),
  imageDigest: value.optional(),
  q: words.optional(),
};
/** People and purposes as the caller names them; the edge turns them into refs. */
const named = { principal: name.optional(), purpose: z.string().min(1).max(LIMITS.textLength).optional() };
const refs = { principalRef: ref.optional(), purposeRef: ref.optional() };

const call = {
  actionId: idOf('action').optional(),
  approvalId: idOf('approval').optional(),
  parentActionId: idOf('action').optional(),
  verb: value.optional(),
  tool: value.optional(),
  resourceType: value.optional(),
  resource: long.optional(),
  effect: value.optional(),
  risk: value.optional(),
  label: value.optional(),
  /** of a refusal, of one of its reasons, or of how something ended */
  code: value.optional(),
};
const ofEvents = {
  ...common,
  ...call,
  type: z.string().min(1).max(64).optional(),
  revocationId: idOf('revocation').optional(),
  commandId: z.string().min(1).max(LIMITS.idLength).optional(),
  /** its id: a key's name, a run's id, a person's ref */
  actor: value.optional(),
  actorKind: value.optional(),
  role: value.optional(),
};
/** of what is listed, by the position of the event that created it; left out: oldest first */
const order = z.enum(['oldest', 'newest']).optional();
export type Order = z.infer<typeof order>;

const ofRuns = {
  ...common,
  order,
  status: value.optional(),
  parentRunId: idOf('run').optional(),
  approvedBy: value.optional(),
};
const ofGrants = { ...common, order, status: value.optional(), parentId: idOf('grant').optional() };
/** `status` is the decision: permitted, denied, stepped-up. */
const ofActions = { ...common, ...call, status: value.optional() };
const ofApprovals = {
  ...common,
  status: value.optional(),
  kind: value.optional(),
  risk: value.optional(),
  actionId: idOf('action').optional(),
  /** the person, or `key:…`, who gave or refused it; sent to the ledger as an event names them */
  decidedBy: name.optional(),
};

/** Filters as written in a query string. */
export const SEARCHES = {
  events: z.strictObject({ ...ofEvents, ...named }),
  runs: z.strictObject({ ...ofRuns, ...named }),
  grants: z.strictObject({ ...ofGrants, ...named }),
  actions: z.strictObject({ ...ofActions, ...named }),
  approvals: z.strictObject({ ...ofApprovals, ...named }),
} as const;
export type Searched = keyof typeof SEARCHES;

/** Filters as sent to the ledger. */
export const FILTERS = {
  events: z.strictObject({ ...ofEvents, ...refs }),
  runs: z.strictObject({ ...ofRuns, ...refs }),
  grants: z.strictObject({ ...ofGrants, ...refs }),
  actions: z.strictObject({ ...ofActions, ...refs }),
  approvals: z.strictObject({ ...ofApprovals, ...refs }),
} as const;
export type Filter<T extends Searched = Searched> = z.infer<(typeof FILTERS)[T]>;

/** Splits a text into words for comparison: whole, in lower case, with NFKC applied. */
export const wordsIn = (text: string): string[] =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu) ?? [];
