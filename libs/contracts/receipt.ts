import { z } from 'zod';
import { actor } from './event';
import { agent, consumed, limits } from './grant';

export const PREDICATE_TYPE = 'https://bailiwick.dev/receipt/v1';
export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

const at = { position: z.number(), time: z.string() };
const action = z.object({
  id: z.string(),
  verb: z.string(),
  tool: z.string().optional(),
  resource: z.object({ type: z.string(), id: z.string() }),
  effect: z.string(),
  risk: z.string(),
  argsDigest: z.string().optional(),
  approvalId: z.string().optional(),
  ...at,
  outcome: z.enum(['completed', 'failed', 'abandoned', 'open']),
  outcomePosition: z.number().optional(),
  cost: z.record(z.string(), z.number()),
});
const denied = z.object({
  id: z.string(),
  verb: z.string(),
  resource: z.object({ type: z.string(), id: z.string() }),
  ...at,
  decision: z.enum(['deny', 'step-up']),
  reasons: z.array(z.string()),
});

/** What a receipt claims about a run. Every claim follows from the events in it. */
export const predicate = z.object({
  run: z.object({ id: z.string(), treeId: z.string(), parentRunId: z.string().optional(), startedAt: z.string() }),
  agent,
  purpose: z.string().nullable(),
  task: z.string().nullable().optional(),
  requestedBy: z.string().nullable(),
  principalRef: z.string(),
  approvals: z.array(
    z.object({
      id: z.string(),
      kind: z.string(),
      verdict: z.enum(['approve', 'deny', 'pending', 'expired']),
      by: z.string().optional(),
      note: z.string().nullable().optional(),
      ...at,
    }),
  ),
  grants: z.array(
    z.object({
      id: z.string(),
      runId: z.string(),
      parentId: z.string().optional(),
      depth: z.number(),
      limits,
      approvalId: z.string().optional(),
      supersedes: z.string().optional(),
      ...at,
    }),
  ),
  actions: z.array(action),
  denied: z.array(denied),
  /** by this run itself */
  spent: consumed,
  resources: z.array(z.string()),
  filesChanged: z.array(z.string()),
  external: z.array(z.string()),
  escalations: z.array(z.object({ approvalId: z.string(), reason: z.string().nullable(), ...at })),
  delegationsRefused: z.array(z.object({ agentClass: z.string(), code: z.string(), detail: z.string(), ...at })),
  children: z.array(
    z.object({
      runId: z.string(),
      agentClass: z.string(),
      task: z.string().nullable().optional(),
      /** how it ended; null while it goes on */
      ended: z.string().nullable(),
      /** where its own receipt is */
      receipt: z.string(),
      ...at,
    }),
  ),
  drift: z.object({ highest: z.number(), scores: z.number() }),
  /** absent while the run goes on */
  ended: z
    .object({
      at: z.string(),
      reason: z.string(),
      by: z.string(),
      position: z.number(),
      revocationId: z.string().optional(),
    })
    .nullable(),
  revoked: z.array(z.object({ revocationId: z.string(), reason: z.string(), ...at })),
  doesNotProve: z.array(z.string()),
});
export type Predicate = z.infer<typeof predicate>;

export const receiptEvent = z.object({
  log: z.string(),
  position: z.number(),
  body: z.string(),
  payload: z.string().nullable().optional(),
  proof: z.string(),
});
export type ReceiptEvent = z.infer<typeof receiptEvent>;

export const statement = z.object({
  _type: z.literal(STATEMENT_TYPE),
  subject: z.array(z.object({ name: z.string(), digest: z.record(z.string(), z.string()) })),
  predicateType: z.literal(PREDICATE_TYPE),
  predicate: predicate.extend({ events: z.array(receiptEvent) }),
});
export type Statement = z.infer<typeof statement>;

/** DSSE. @see https://github.com/secure-systems-lab/dsse/blob/master/envelope.md */
export const envelope = z.object({
  payloadType: z.literal(PAYLOAD_TYPE),
  payload: z.string(),
  signatures: z.array(z.object({ keyid: z.string(), sig: z.string() })).min(1),
});
export type Envelope = z.infer<typeof envelope>;

export const custodyLink = z.object({
  link: z.enum(['principal', 'approval', 'grant', 'decision', 'outcome']),
  says: z.string(),
  position: z.number(),
  time: z.string(),
  type: z.string(),
  actor: actor,
  grantId: z.string().optional(),
});
export const custody = z.object({ actionId: z.string(), links: z.array(custodyLink), findings: z.array(z.string()) });
export type Custody = z.infer<typeof custody>;
