import { z } from 'zod';
import { actor } from './event';
import { agent, consumed, limits } from './grant';

/**
 * What a receipt claims, by what it is about. Each type's JSON Schema is published under `/schemas/` (`PREDICATES`).
 * A released type never changes; a claim more is a new type.
 */
export const RUN_RECEIPT = 'https://bailiwick.dev/receipt/v1';
export const TREE_RECEIPT = 'https://bailiwick.dev/receipt-tree/v1';
export const ACTION_RECEIPT = 'https://bailiwick.dev/receipt-action/v1';
export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

const at = { position: z.number(), time: z.string() };
const resource = z.strictObject({ type: z.string(), id: z.string() });

const action = z.strictObject({
  id: z.string(),
  verb: z.string(),
  tool: z.string().optional(),
  resource,
  effect: z.string(),
  /** if it was charged as several */
  effects: z.array(z.string()).optional(),
  risk: z.string(),
  argsDigest: z.string().optional(),
  approvalId: z.string().optional(),
  ...at,
  outcome: z.enum(['completed', 'failed', 'abandoned', 'open']),
  outcomePosition: z.number().optional(),
  /** as reported */
  cost: z.record(z.string(), z.number()),
  /** what of it was charged, where that is not all */
  charged: z.record(z.string(), z.number()).optional(),
  /** what was reported after the action had been given up: not charged */
  late: z
    .strictObject({
      status: z.enum(['completed', 'failed']),
      cost: z.record(z.string(), z.number()).optional(),
      ...at,
    })
    .optional(),
});
const denied = z.strictObject({
  id: z.string(),
  verb: z.string(),
  resource,
  ...at,
  decision: z.enum(['deny', 'step-up']),
  reasons: z.array(z.string()),
});

const verdict = z.enum(['approve', 'deny', 'pending', 'expired']);

/** A payload that an event names and the receipt does not show: withheld, or erased by the erasure at a position. */
const absent = z.strictObject({ position: z.number(), type: z.string(), erasedAt: z.number().optional() });
export type Absent = z.infer<typeof absent>;

/** What is claimed about one run. */
const claims = {
  run: z.strictObject({
    id: z.string(),
    treeId: z.string(),
    parentRunId: z.string().optional(),
    startedAt: z.string(),
  }),
  agent,
  /** null where it was erased or withheld, as every text below */
  purpose: z.string().nullable(),
  task: z.string().nullable().optional(),
  requestedBy: z.string().nullable(),
  /** who stated `requestedBy`: the actor that opened the root run. Receipts of the first release leave it out */
  requestedByStatedBy: z.string().optional(),
  principalRef: z.string(),
  approvals: z.array(
    z.strictObject({
      id: z.string(),
      kind: z.string(),
      verdict,
      by: z.string().optional(),
      note: z.string().nullable().optional(),
      ...at,
    }),
  ),
  /** its own leases, and those of the runs above it */
  grants: z.array(
    z.strictObject({
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
  /** what was refused beyond what is told one by one: only counted; left out where there is none */
  refusedMore: z
    .array(
      z.strictObject({
        since: z.string(),
        total: z.number(),
        refused: z.array(
          z.strictObject({ command: z.string(), verb: z.string().optional(), code: z.string(), count: z.number() }),
        ),
        ...at,
      }),
    )
    .optional(),
  /** by this run itself */
  spent: consumed,
  resources: z.array(z.string()),
  filesChanged: z.array(z.string()),
  external: z.array(z.string()),
  escalations: z.array(
    z.strictObject({
      approvalId: z.string(),
      /** why more was wanted */
      reason: z.string().nullable(),
      /** what it would have had then */
      wanted: limits.optional(),
      /** the actions that had been denied or asked about before, of those in `denied` */
      tried: z.array(z.string()),
      verdict,
      ...at,
    }),
  ),
  delegationsRefused: z.array(z.strictObject({ agentClass: z.string(), code: z.string(), detail: z.string(), ...at })),
  children: z.array(
    z.strictObject({
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
  drift: z.strictObject({ highest: z.number(), scores: z.number() }),
  /** when it was stopped for a person to look, and let go on */
  suspensions: z.array(z.strictObject({ reason: z.string(), by: z.string(), resumedAt: z.string().nullable(), ...at })),
  /** null while the run goes on */
  ended: z
    .strictObject({
      at: z.string(),
      reason: z.string(),
      by: z.string(),
      position: z.number(),
      revocationId: z.string().optional(),
    })
    .nullable(),
  revoked: z.array(z.strictObject({ revocationId: z.string(), reason: z.string(), ...at })),
};
/** Events before a position that another installation decided, and whose log was taken over here. */
const imported = z.strictObject({
  ...at,
  origin: z.string(),
  /** the key that signed for them there */
  vkey: z.string(),
  events: z.number(),
  /** their leases went on here */
  live: z.boolean(),
});
export type Imported = z.infer<typeof imported>;
const closing = {
  absent: z.array(absent),
  imported: z.array(imported).optional(),
  doesNotProve: z.array(z.string()),
};

const runClaims = z.strictObject(claims);
export type RunClaims = z.infer<typeof runClaims>;
/** What a receipt claims about a run. Every claim follows from the events in it. */
export const predicate = z.strictObject({ ...claims, ...closing });
export type Predicate = z.infer<typeof predicate>;

/** What a receipt claims about all runs of a tree. */
export const treePredicate = z.strictObject({
  tree: z.strictObject({ id: z.string(), rootRunId: z.string(), startedAt: z.string() }),
  purpose: claims.purpose,
  requestedBy: claims.requestedBy,
  requestedByStatedBy: claims.requestedByStatedBy,
  principalRef: claims.principalRef,
  /** in the order in which they were opened, the root first */
  runs: z.array(runClaims),
  /** by all of them */
  spent: consumed,
  ...closing,
});
export type TreePredicate = z.infer<typeof treePredicate>;

export const custodyLink = z.strictObject({
  link: z.enum(['principal', 'approval', 'grant', 'decision', 'outcome']),
  says: z.string(),
  position: z.number(),
  time: z.string(),
  type: z.string(),
  actor,
  grantId: z.string().optional(),
  /** another installation's: the event was imported */
  imported: z.literal(true).optional(),
  /** of a grant: what it admitted */
  limits: limits.optional(),
  /** the C2SP tlog-proof of the event, where it is not in a receipt that has it already */
  proof: z.string().optional(),
});
export const custody = z.strictObject({
  actionId: z.string(),
  links: z.array(custodyLink),
  /** links that are missing, or contradict others */
  findings: z.array(z.string()),
});
export type Custody = z.infer<typeof custody>;

/** What a receipt claims about one action: what was decided, on whose authority, and what came of it. */
export const actionPredicate = z.strictObject({
  run: claims.run,
  agent,
  purpose: claims.purpose,
  requestedBy: claims.requestedBy,
  requestedByStatedBy: claims.requestedByStatedBy,
  principalRef: claims.principalRef,
  /** where it was permitted */
  action: action.nullable(),
  /** where it was not */
  denied: denied.nullable(),
  custody,
  ...closing,
});
export type ActionPredicate = z.infer<typeof actionPredicate>;

/** One event as it is stored, with its proof. */
export const receiptEvent = z.strictObject({
  log: z.string(),
  position: z.number(),
  body: z.string(),
  payload: z.string().nullable().optional(),
  proof: z.string(),
});
export type ReceiptEvent = z.infer<typeof receiptEvent>;

const subject = z.array(z.strictObject({ name: z.string(), digest: z.record(z.string(), z.string()) }));
const events = z.array(receiptEvent);
const statementOf = <T extends string, S extends z.core.$ZodLooseShape>(predicateType: T, claimed: z.ZodObject<S>) =>
  z.strictObject({
    _type: z.literal(STATEMENT_TYPE),
    subject,
    predicateType: z.literal(predicateType),
    predicate: claimed.extend({ events }),
  });

export const runStatement = statementOf(RUN_RECEIPT, predicate);
export const treeStatement = statementOf(TREE_RECEIPT, treePredicate);
export const actionStatement = statementOf(ACTION_RECEIPT, actionPredicate);
export type RunStatement = z.infer<typeof runStatement>;
export type TreeStatement = z.infer<typeof treeStatement>;
export type ActionStatement = z.infer<typeof actionStatement>;
export type Statement = RunStatement | TreeStatement | ActionStatement;

/** By predicate type: what its statements must look like, and under which name their JSON Schema is published. */
export const PREDICATES = {
  [RUN_RECEIPT]: { schema: 'receipt-v1.json', statement: runStatement },
  [TREE_RECEIPT]: { schema: 'receipt-tree-v1.json', statement: treeStatement },
  [ACTION_RECEIPT]: { schema: 'receipt-action-v1.json', statement: actionStatement },
} as const;
export type PredicateType = keyof typeof PREDICATES;

/**
 * A receipt that is too large for one message is made in parts. The first envelope names the events by count and root
 * and the claims by digest: the claims are as long as the events are many, and follow from them. Each part holds events.
 */
export const RECEIPT_IN_PARTS = 'https://bailiwick.dev/receipt-in-parts/v1';
export const RECEIPT_PART = 'https://bailiwick.dev/receipt-part/v1';

const whole = z.number().int().nonnegative();
const wholeOf = {
  /** what the receipt is about: its predicate type, were it in one, and the id */
  of: z.strictObject({ type: z.enum([RUN_RECEIPT, TREE_RECEIPT, ACTION_RECEIPT]), id: z.string() }),
  /** of the tree that every event is proved to be in */
  size: whole,
  /** RFC 6962 root in base64 over the leaves (of the log) of all events of all parts, in their order */
  root: z.string(),
};
export const inPartsPredicate = z.strictObject({
  ...wholeOf,
  /** of all parts */
  count: whole,
  /** `sha256:<hex>` of the canonical JSON of the claims that follow from all events */
  claims: z.string(),
  parts: z.array(z.strictObject({ events: whole, first: whole, last: whole })).min(1),
});
export type InParts = z.infer<typeof inPartsPredicate>;
export const partPredicate = z.strictObject({
  ...wholeOf,
  /** from 0 */
  part: whole,
  /** how many parts there are */
  parts: whole,
  events,
});

export const inPartsStatement = z.strictObject({
  _type: z.literal(STATEMENT_TYPE),
  subject,
  predicateType: z.literal(RECEIPT_IN_PARTS),
  predicate: inPartsPredicate,
});
export type InPartsStatement = z.infer<typeof inPartsStatement>;
export const partStatement = z.strictObject({
  _type: z.literal(STATEMENT_TYPE),
  subject,
  predicateType: z.literal(RECEIPT_PART),
  predicate: partPredicate,
});
export type PartStatement = z.infer<typeof partStatement>;

/** As `PREDICATES`, of the envelopes that only all together are a receipt. */
export const PARTED = {
  [RECEIPT_IN_PARTS]: { schema: 'receipt-in-parts-v1.json', statement: inPartsStatement },
  [RECEIPT_PART]: { schema: 'receipt-part-v1.json', statement: partStatement },
} as const;
export type PartedType = keyof typeof PARTED;

/** DSSE. @see https://github.com/secure-systems-lab/dsse/blob/master/envelope.md */
export const envelope = z.strictObject({
  payloadType: z.literal(PAYLOAD_TYPE),
  payload: z.string(),
  signatures: z.array(z.strictObject({ keyid: z.string(), sig: z.string() })).min(1),
});
export type Envelope = z.infer<typeof envelope>;
