import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { label } from '../actions/action';
import { effect, risk } from '../grants/grant';
import { obligation } from '../obligations/obligation';
import { digest, logNameSchema, position, time } from '../primitives';
import { outcome } from '../reason';
import { decisionGroup } from '../replay/replay';
import { bundleFiles } from './bundle-files';
import { stage } from './catalog-entry';
import { policyVersion } from './deployment';

/** The difference between two policies: what they state, what live leases would lose, and which decisions would differ. */

export const policyDiffBody = z.strictObject({
  bundle: bundleFiles,
  /** the version to compare with; left out: the one in force */
  against: policyVersion.optional(),
  /** how many of the last decisions are decided again; left out: 10,000 */
  last: z.number().int().min(1).max(LIMITS.replayDecisions).optional(),
  log: logNameSchema.optional(),
});
export type PolicyDiffBody = z.infer<typeof policyDiffBody>;

/** What a verb or a tool counts as. */
export const meaning = z.object({
  effects: z.array(effect),
  risk,
  stage,
  labels: z.array(label),
  /** left out if there are none */
  obligations: z.array(obligation).optional(),
  words: z.string().optional(),
  /** the verb that a tool stands for */
  verb: z.string().optional(),
  /** `exact`, `words` and `pattern`: an entry of a verb; `tool`: of a tool; `meaning`: the words of the verb; `doubt`: none */
  by: z.enum(['exact', 'words', 'pattern', 'tool', 'meaning', 'doubt']),
});
export type Meaning = z.infer<typeof meaning>;

export const DIRECTIONS = ['milder', 'mixed', 'stricter', 'other'] as const;
export const catalogChange = z.object({
  about: z.enum(['verb', 'tool', 'pattern']),
  name: z.string(),
  /** of its entry */
  change: z.enum(['added', 'removed', 'changed']),
  /** `mixed`: milder in one respect and stricter in another; `other`: nothing that decisions read */
  direction: z.enum(DIRECTIONS),
  /** of a pattern: only if that policy has it */
  before: meaning.optional(),
  after: meaning.optional(),
  /** the members of the entry that differ, such as `words` and `risk` */
  members: z.array(z.string()),
});
export type CatalogChange = z.infer<typeof catalogChange>;

/** Entries of a section, by their name, their class or their id; otherwise by their canonical JSON. */
const names = z.object({ count: z.number().int(), names: z.array(z.string()) });
export const sectionChange = z.object({
  section: z.string(),
  added: names,
  removed: names,
  changed: names,
  /** the same entries in another order */
  reordered: z.boolean(),
});
export type SectionChange = z.infer<typeof sectionChange>;

/** A rule about approvals by its meaning; the name `*` is the section as a whole. */
export const approvalChange = z.object({
  name: z.string(),
  change: z.enum(['added', 'removed', 'changed', 'moved']),
  /** `mixed` also if another rule may decide instead; `other`: nothing that decisions read */
  direction: z.enum(DIRECTIONS),
  /** for people: who may approve, how many, what one approval covers */
  says: z.array(z.string()),
});
export type ApprovalChange = z.infer<typeof approvalChange>;

export const policyChanges = z.object({
  /** both have the same canonical JSON */
  same: z.boolean(),
  catalog: z.object({
    /** changes by direction */
    counts: z.record(z.enum(DIRECTIONS), z.number().int()),
    /** milder ones first; at most `LIMITS.policy.diffItems` */
    items: z.array(catalogChange),
  }),
  /** the rules about approvals that differ, milder ones first */
  approvals: z.array(approvalChange),
  /** the sections other than `catalog` that differ, by the names of their entries */
  sections: z.array(sectionChange),
});
export type PolicyChanges = z.infer<typeof policyChanges>;

/** What a live lease would no longer do alone. */
const loss = z.object({
  verb: z.string(),
  tool: z.string().optional(),
  before: outcome,
  after: outcome,
  code: z.string().optional(),
});
export type Loss = z.infer<typeof loss>;

export const policyReach = z.object({
  /** the verbs and tools, of both catalogs and of the decisions, that count as something else */
  verbs: z.number().int(),
  grants: z.object({
    /** live leases that were compared */
    checked: z.number().int(),
    /** those that would lose something */
    count: z.number().int(),
    byClass: z.record(z.string(), z.number().int()),
    items: z.array(
      z.object({
        grantId: z.string(),
        runId: z.string(),
        treeId: z.string(),
        agentClass: z.string(),
        losses: z.array(loss),
        /** paths in its limits that the manifest of its class would leave less of, such as `budget.calls` */
        narrower: z.array(z.string()),
      }),
    ),
  }),
  approvals: z.object({
    checked: z.number().int(),
    /**
     * pending requests whose call would count as something else, so that a person would be asked again, or that other
     * people, or another number of them, would have to approve
     */
    count: z.number().int(),
    items: z.array(
      z.object({ approvalId: z.string(), runId: z.string(), verb: z.string().optional(), why: z.string() }),
    ),
  }),
  /** not all leases or requests were compared */
  truncated: z.boolean(),
});
export type PolicyReach = z.infer<typeof policyReach>;

export const policyHistory = z.object({
  log: logNameSchema,
  /** the first and the last position */
  from: position,
  to: z.number().int(),
  decided: z.number().int(),
  differ: z.number().int(),
  /** the largest groups, largest first */
  groups: z.array(decisionGroup),
  assumes: z.array(z.string()),
});
export type PolicyHistory = z.infer<typeof policyHistory>;

/** What a candidate would have decided since it was put in shadow. */
export const policyShadowAnswer = z.object({
  digest,
  /** the version in force when it started */
  version: policyVersion,
  /** of the event that started it */
  position,
  at: time,
  /** the id of the actor that started it */
  by: z.string(),
  until: time,
  history: policyHistory,
});
export type PolicyShadowAnswer = z.infer<typeof policyShadowAnswer>;

export const policyDiffAnswer = z.object({
  before: z.object({ version: policyVersion, digest }),
  after: z.object({ digest }),
  changes: policyChanges,
  reach: policyReach,
  history: policyHistory,
});
export type PolicyDiffAnswer = z.infer<typeof policyDiffAnswer>;
