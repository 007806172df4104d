import { z } from 'zod';
import { actor } from '../events/event';
import { agent, consumed, limits } from '../grants/grant';
import { decidedObligations } from '../obligations/obligation';
import { personNames } from '../people/person-names';
import { time } from '../primitives';

/**
 * The claims of receipts, by subject. The JSON Schema of each type is published under `/schemas/` (`PREDICATES`).
 * A released type never changes; an additional claim requires a new type.
 */
export const RUN_RECEIPT = 'https://bailiwick.dev/receipt/v1';
export const TREE_RECEIPT = 'https://bailiwick.dev/receipt-tree/v1';
export const ACTION_RECEIPT = 'https://bailiwick.dev/receipt-action/v1';
export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

const at = { position: z.number(), time: z.string() };
const resource = z.strictObject({ type: z.string(), id: z.string() });
/** by its ids alone; it has a receipt of its tree's */
const otherAction = z.strictObject({ actionId: z.string(), runId: z.string(), treeId: z.string() });

const action = z.strictObject({
  id: z.string(),
  verb: z.string(),
  tool: z.string().optional(),
  resource,
  effect: z.string(),
  /** set if it was charged as several effects */
  effects: z.array(z.string()).optional(),
  risk: z.string(),
  argsDigest: z.string().optional(),
  approvalId: z.string().optional(),
  /** what the permit obliged the enforcement point to do; left out if there was nothing */
  obligations: decidedObligations.optional(),
  ...at,
  /** the call in another tree that the run acted for */
  calledBy: otherAction.optional(),
  /** what the called service was permitted for this call, in another tree */
  called: z.array(otherAction).optional(),
  outcome: z.enum(['completed', 'failed', 'abandoned', 'open']),
  outcomePosition: z.number().optional(),
  /** as reported */
  cost: z.record(z.string(), z.number()),
  /** the charged part, if not all was charged */
  charged: z.record(z.string(), z.number()).optional(),
  /** the same two for units; left out if there are none */
  units: z.record(z.string(), z.number()).optional(),
  chargedUnits: z.record(z.string(), z.number()).optional(),
  /** reported after the action had been abandoned: not charged */
  late: z
    .strictObject({
      status: z.enum(['completed', 'failed']),
      cost: z.record(z.string(), z.number()).optional(),
      units: z.record(z.string(), z.number()).optional(),
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

/**
 * A payload that an event identifies and the receipt does not show: withheld, or erased by the erasure at a position.
 */
const absent = z.strictObject({ position: z.number(), type: z.string(), erasedAt: z.number().optional() });
export type Absent = z.infer<typeof absent>;

/** The half-open period [from, until) that a receipt is about, as RFC 3339 instants. */
const span = { from: time, until: time };
/** As it is requested, in one spelling: UTC with milliseconds. */
export const receiptPeriod = z.strictObject(span);
const period = z.strictObject({
  ...span,
  /** set if the period was not over when the receipt was made: more may have happened in it afterwards */
  open: z.literal(true).optional(),
});
export type Period = z.infer<typeof period>;

/** What was in flight at one end of a period. */
const inFlight = z.strictObject({
  /** ids of the permitted actions without an outcome */
  actions: z.array(z.string()),
  /** amounts that these actions reserve */
  reserved: z.strictObject({
    cost: z.record(z.string(), z.number()),
    units: z.record(z.string(), z.number()).optional(),
  }),
  /** ids of the child runs that had not ended */
  children: z.array(z.string()),
  /** ids of the requests to a person that had no answer */
  approvals: z.array(z.string()),
});
export type InFlight = z.infer<typeof inFlight>;

/** Claims about one run. */
const claims = {
  run: z.strictObject({
    id: z.string(),
    treeId: z.string(),
    parentRunId: z.string().optional(),
    startedAt: z.string(),
  }),
  /**
   * set if the receipt is about a period of the run: everything below is then limited to it, except for the leases and the
   * approvals that they rest on. A call counts in `spent` in the period of its permit, its amounts in that of its outcome
   */
  period: period.optional(),
  /** set if `period` is */
  inFlight: z.strictObject({ atStart: inFlight, atEnd: inFlight }).optional(),
  agent,
  /** null if erased or withheld, as every text below */
  purpose: z.string().nullable(),
  task: z.string().nullable().optional(),
  requestedBy: z.string().nullable(),
  /**
   * the actor that stated `requestedBy`: the one that opened the root run. Left out of receipts of the first release
   */
  requestedByStatedBy: z.string().optional(),
  principalRef: z.string(),
  approvals: z.array(
    z.strictObject({
      id: z.string(),
      kind: z.string(),
      verdict,
      by: z.string().optional(),
      /** the people with the same verdict before `by`, where the policy required several; left out if there are none */
      also: z.array(z.string()).optional(),
      /** what it covers, if it is more than one call */
      scope: z.enum(['target', 'run']).optional(),
      /** one person approved in an emergency, in place of those that the policy requires */
      breakGlass: z.literal(true).optional(),
      note: z.string().nullable().optional(),
      ...at,
    }),
  ),
  /** its own leases, and those of its ancestors */
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
  /** by lease: how often it was renewed, its last end, and the last renewal; left out if there are none */
  renewals: z.array(z.strictObject({ grantId: z.string(), times: z.number(), until: z.string(), ...at })).optional(),
  /** leases tightened after they were issued, with the limits from then on; left out if there are none */
  narrowings: z.array(z.strictObject({ grantId: z.string(), by: z.string(), limits, ...at })).optional(),
  actions: z.array(action),
  denied: z.array(denied),
  /** refusals that are counted instead of listed; left out if there are none */
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
  /** the tenant budgets from which it drew, and how much of `spent`; left out if there are none */
  tenantBudgets: z.array(z.strictObject({ name: z.string(), drew: consumed })).optional(),
  resources: z.array(z.string()),
  filesChanged: z.array(z.string()),
  external: z.array(z.string()),
  escalations: z.array(
    z.strictObject({
      approvalId: z.string(),
      /** the reason of the request */
      reason: z.string().nullable(),
      /** the limits that it would have had */
      wanted: limits.optional(),
      /** the earlier denied or stepped-up actions, of those in `denied` */
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
      /** how it ended; null while it is running */
      ended: z.string().nullable(),
      /** location of its receipt */
      receipt: z.string(),
      ...at,
    }),
  ),
  drift: z.strictObject({ highest: z.number(), scores: z.number() }),
  /** suspensions for a person's review, and when each was resumed */
  suspensions: z.array(z.strictObject({ reason: z.string(), by: z.string(), resumedAt: z.string().nullable(), ...at })),
  /** null while the run continues */
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
/** The events before a position that another installation decided, and whose log was imported. */
const imported = z.strictObject({
  ...at,
  origin: z.string(),
  /** the key that signed for them there */
  vkey: z.string(),
  events: z.number(),
  /** their leases stayed valid here */
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
/** Claims of a receipt about a run. Every claim follows from the events in it. */
export const predicate = z.strictObject({ ...claims, ...closing });
export type Predicate = z.infer<typeof predicate>;

/** Claims of a receipt about all runs of a tree. */
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
  /** the event was imported from another installation */
  imported: z.literal(true).optional(),
  /** for a grant: the limits that it admitted */
  limits: limits.optional(),
  /** the C2SP tlog-proof of the event, unless the receipt already contains it */
  proof: z.string().optional(),
});
export const custody = z.strictObject({
  actionId: z.string(),
  links: z.array(custodyLink),
  /** missing links, and links that contradict others */
  findings: z.array(z.string()),
});
export type Custody = z.infer<typeof custody>;
/** The custody of an action of a called service: its own chain, and that of the call. Neither inherits the other's authority. */
export const brokeredCustody = custody.extend({
  calledBy: custody.optional(),
  /** for a call to a service: what the service was permitted for it */
  called: z.array(otherAction).optional(),
});
export type BrokeredCustody = z.infer<typeof brokeredCustody>;

/** Claims of a receipt about one action: the decision, the authority for it, and the outcome. */
export const actionPredicate = z.strictObject({
  run: claims.run,
  agent,
  purpose: claims.purpose,
  requestedBy: claims.requestedBy,
  requestedByStatedBy: claims.requestedByStatedBy,
  principalRef: claims.principalRef,
  /** set if it was permitted */
  action: action.nullable(),
  /** set if it was not */
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

/** By predicate type: the schema of its statements, and the name under which their JSON Schema is published. */
export const PREDICATES = {
  [RUN_RECEIPT]: { schema: 'receipt-v1.json', statement: runStatement },
  [TREE_RECEIPT]: { schema: 'receipt-tree-v1.json', statement: treeStatement },
  [ACTION_RECEIPT]: { schema: 'receipt-action-v1.json', statement: actionStatement },
} as const;
export type PredicateType = keyof typeof PREDICATES;

/**
 * A receipt that is too large for one message is made in parts. The first envelope identifies the events by count and
 * root, and the claims by digest: their size grows with the events, from which they follow. Each part contains events.
 */
export const RECEIPT_IN_PARTS = 'https://bailiwick.dev/receipt-in-parts/v1';
export const RECEIPT_PART = 'https://bailiwick.dev/receipt-part/v1';

const whole = z.number().int().nonnegative();
const wholeOf = {
  /** the subject: the predicate type that one envelope would have, and the id */
  of: z.strictObject({
    type: z.enum([RUN_RECEIPT, TREE_RECEIPT, ACTION_RECEIPT]),
    id: z.string(),
    /** for a run: set if the receipt is about a period of it */
    period: receiptPeriod.optional(),
  }),
  /** size of the Merkle tree that contains every event */
  size: whole,
  /** RFC 6962 root in base64 over the leaves (of the log) of all events of all parts, in order */
  root: z.string(),
};
export const inPartsPredicate = z.strictObject({
  ...wholeOf,
  /** as in `period` of the claims */
  open: period.shape.open,
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
  /** number of parts */
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

/** Like `PREDICATES`, for envelopes that form a receipt only together. */
export const PARTED = {
  [RECEIPT_IN_PARTS]: { schema: 'receipt-in-parts-v1.json', statement: inPartsStatement },
  [RECEIPT_PART]: { schema: 'receipt-part-v1.json', statement: partStatement },
} as const;
export type PartedType = keyof typeof PARTED;

/**
 * The names of the people whose refs a receipt contains. They are in a separate envelope, signed by the log about the
 * payload of the receipt's first envelope: the events and claims of a receipt never contain a name, its holder may remove
 * the names without breaking it, and a receipt fetched after an erasure has null in place of the name.
 */
export const RECEIPT_NAMES = 'https://bailiwick.dev/receipt-names/v1';
export const namesStatement = z.strictObject({
  _type: z.literal(STATEMENT_TYPE),
  /** the receipt, by the digest of its payload */
  subject,
  predicateType: z.literal(RECEIPT_NAMES),
  predicate: z.strictObject({ names: personNames }),
});
export type NamesStatement = z.infer<typeof namesStatement>;

/** DSSE. @see https://github.com/secure-systems-lab/dsse/blob/master/envelope.md */
const signed = z.strictObject({
  payloadType: z.literal(PAYLOAD_TYPE),
  payload: z.string(),
  signatures: z.array(z.strictObject({ keyid: z.string(), sig: z.string() })).min(1),
});
/** A receipt, or a part of one. DSSE allows further members. */
export const envelope = signed.extend({
  /** of a receipt: a `namesStatement` */
  names: signed.optional(),
});
export type Envelope = z.infer<typeof envelope>;
