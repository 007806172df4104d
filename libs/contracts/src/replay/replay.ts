import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { label } from '../actions/action';
import { grantRequest, risk } from '../grants/grant';
import { bundleFiles } from '../policy/bundle-files';
import { policyVersion } from '../policy/deployment';
import { ruleName } from '../policy/rule';
import { digest, freeText, idOf, logNameSchema, name, position, time } from '../primitives';
import { outcome, reason } from '../reason';

/**
 * What-ifs: which recorded decisions would differ under a change, and the consequences. The rules of the trajectory are
 * identified by their codes.
 */
export const SEQUENCE_CODES = [
  'SECRET_EXFILTRATION',
  'EXEC_AFTER_DENIED_ESCALATION',
  'LETHAL_TRIFECTA',
  'MAY_SEND_SECRET',
  'MAY_SEND_PRIVATE',
  'FETCH_AFTER_PRIVATE',
  'MAY_EXEC_AFTER_DENIED_ESCALATION',
  'SENDING_IN_FLIGHT',
  'MAY_SEND_IN_FLIGHT',
] as const;

const threshold = z.number().min(0).max(1);
const something = (value: object): boolean => Object.values(value).some((part) => part !== undefined);

/** Selects the grants that a change applies to: all given members must match; without any, every grant. */
export const grantSelector = z.strictObject({
  grantId: idOf('grant').optional(),
  treeId: idOf('tree').optional(),
  agentClass: name.optional(),
  /** grants that could use this verb when they were issued */
  verb: z.string().min(1).max(LIMITS.nameLength).optional(),
  /** true: root grants only; false: only descendants */
  root: z.boolean().optional(),
});
export type GrantSelector = z.infer<typeof grantSelector>;

export const grantChange = z
  .strictObject({
    select: grantSelector.optional(),
    /** replaces the grant's own limits; members left out stay */
    limits: grantRequest.optional(),
    /** the grant would never have been issued */
    withhold: z.literal(true).optional(),
  })
  .refine((change) => (change.limits === undefined) !== (change.withhold === undefined), {
    error: 'give limits or withhold: true, not both',
  });

export const addedSequence = z.strictObject({
  /** labels that the tree must have carried before, all of them */
  seen: z.array(label).min(1).max(8),
  /** the label of a step that must not follow */
  then: label,
  outcome: z.enum(['step-up', 'deny']),
  says: freeText(300).optional(),
});

export const change = z.strictObject({
  /** one or several: if they set the same limit, the last one applies */
  grant: z
    .preprocess(
      (value) => (value === undefined || Array.isArray(value) ? value : [value]),
      z.array(grantChange).max(LIMITS.replayChanges).optional(),
    )
    .optional(),
  policy: z
    .strictObject({
      /** the tier from which a person is asked, in every grant */
      approvalFrom: risk.optional(),
      /** the maximum risk of an action, in every grant */
      ceiling: risk.optional(),
      /** defaults of a root grant whose request leaves them out */
      defaults: grantRequest.optional(),
      /** settings of the rules over sequences in force, by code or by name; the name precedes */
      sequences: z
        .record(z.union([z.enum(SEQUENCE_CODES), ruleName]), z.enum(['off', 'step-up', 'deny']))
        .refine((settings) => Object.keys(settings).length <= LIMITS.policy.rules, {
          error: `has more than ${LIMITS.policy.rules} members`,
        })
        .optional(),
      /** additional trajectory rules */
      added: z.array(addedSequence).max(LIMITS.replayChanges).optional(),
      /** a deployed version, or 0 for that of the release: it decides instead of those in force when the calls were decided */
      version: policyVersion.optional(),
      /** the files of a bundle that decides instead */
      bundle: bundleFiles.optional(),
    })
    .refine(something, { error: 'give version, bundle, approvalFrom, ceiling, defaults, sequences or added' })
    .refine(({ version, bundle }) => version === undefined || bundle === undefined, {
      error: 'give version or bundle, not both',
    })
    .optional(),
  /** the thresholds of every grant */
  drift: z
    .strictObject({ stepUpAt: threshold.optional(), suspendAt: threshold.optional() })
    .refine(something, { error: 'give stepUpAt or suspendAt' })
    .refine(({ stepUpAt = 0, suspendAt = 1 }) => stepUpAt <= suspendAt, {
      error: 'stepUpAt must not be above suspendAt',
    })
    .optional(),
});
export type Change = z.infer<typeof change>;

export const replayRequest = z
  .strictObject({
    log: logNameSchema.optional(),
    /** the change applies from this position; earlier decisions stay as they were */
    from: position.optional(),
    /** the last position that is replayed */
    to: position.optional(),
    /** instead of `from`: the change applies to the last decisions, as many as this */
    last: z.number().int().min(1).max(LIMITS.replayDecisions).optional(),
    treeId: idOf('tree').optional(),
    change,
    /** only differences after this position: `next` of the previous page */
    after: position.optional(),
    limit: z.number().int().min(1).max(LIMITS.replayPageMax).optional(),
  })
  .refine(({ from = 0, to = Infinity }) => from <= to, { error: 'from must not be after to' })
  .refine(({ from, treeId, last }) => last === undefined || (from === undefined && treeId === undefined), {
    error: 'last counts the decisions of a log; leave out from and treeId',
  });
export type ReplayRequest = z.infer<typeof replayRequest>;

/** The fate of a call; `falls-away`: it would not have been requested. */
const fate = z.enum([...outcome.options, 'falls-away']);
export type Fate = z.infer<typeof fate>;

const where = { position, time, treeId: z.string().optional(), runId: z.string().optional() };
export const difference = z.discriminatedUnion('about', [
  z.object({
    about: z.literal('action'),
    ...where,
    grantId: z.string().optional(),
    actionId: z.string(),
    verb: z.string(),
    agentClass: z.string(),
    /** for example `permit->deny` */
    kind: z.string(),
    before: z.object({ decision: fate, reasons: z.array(reason) }),
    after: z.object({ decision: fate, reasons: z.array(reason) }),
    /** why it would not have been requested */
    why: z.string().optional(),
  }),
  z.object({
    about: z.literal('grant'),
    ...where,
    grantId: z.string().optional(),
    agentClass: z.string().optional(),
    /** `issued->refused`, `issued->falls-away`, `refused->issued`, `on->suspended`, `suspended->on` */
    kind: z.string(),
    why: z.string(),
  }),
]);
export type Difference = z.infer<typeof difference>;

/** Decisions that differ in the same way. */
export const decisionGroup = z.object({
  verb: z.string(),
  before: fate,
  after: fate,
  /** of the strictest reason of the decision after the change, or before it if that has none */
  code: z.string().optional(),
  /** that reason of one of them, for people */
  says: z.string(),
  count: z.number().int(),
  /** the action id of one of them */
  example: z.string(),
});
export type DecisionGroup = z.infer<typeof decisionGroup>;

/** kind of difference → count */
const kinds = z.record(z.string(), z.number().int());
export type Kinds = z.infer<typeof kinds>;

export const replayAnswer = z.object({
  log: logNameSchema,
  /** the first and the last position that was replayed */
  from: position,
  to: z.number().int(),
  /** recorded decisions that were decided again */
  decided: z.number().int(),
  /** those that would have been different */
  differ: z.number().int(),
  byKind: kinds,
  /** the classes, verbs and trees with the most differences; `all others` counts the rest */
  byAgentClass: z.record(z.string(), kinds),
  byVerb: z.record(z.string(), kinds),
  byTree: z.record(z.string(), kinds),
  /** the largest groups of decisions that differ, largest first */
  groups: z.array(decisionGroup),
  differences: z.array(difference),
  /** there are more differences: request the next page with `after` */
  truncated: z.boolean(),
  next: position.nullable(),
  /** outcomes of calls that would not have been permitted: their costs and labels no longer count */
  outcomesFallenAway: z.number().int(),
  /** refusals whose original request is not in the log */
  undecidable: z.number().int(),
  /** the policy that decided instead of those in force when the calls were decided */
  policy: z.object({ digest, version: policyVersion.optional() }).optional(),
  /** the assumptions of this what-if, as text */
  assumes: z.array(z.string()),
});
export type ReplayAnswer = z.infer<typeof replayAnswer>;

/** The progress of a what-if. */
export const replayProgress = z.object({ done: z.number().int(), total: z.number().int() });
export type ReplayProgress = z.infer<typeof replayProgress>;
