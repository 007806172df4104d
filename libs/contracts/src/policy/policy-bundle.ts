import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { approvalRule } from './approval-rule';
import { catalogEntry } from './catalog-entry';
import { conditionEntry } from './condition';
import { manifest } from './manifest';
import { policyTest } from './policy-test';
import { responder } from './responder';
import { policyRule } from './rule';
import { subjectType } from './subject-type';

/**
 * A policy bundle, and each of its files. Each section is a list; those of several files are joined in the order of the
 * names of the files. To add a section, add it here and to `SECTIONS` of `@bailiwick/policy`.
 */
export const policyBundle = z.strictObject({
  catalog: z
    .array(catalogEntry)
    .max(LIMITS.policy.catalogEntries)
    .optional()
    .describe('What verbs and tools mean: effects, risk, stage, resource and words for people.'),
  agents: z
    .array(manifest)
    .min(1)
    .max(LIMITS.policy.manifests)
    .optional()
    .describe('What the agents of each class may hold. With this section, a class without a manifest may do nothing.'),
  rules: z
    .array(policyRule)
    .max(LIMITS.policy.rules)
    .optional()
    .describe(
      'Which sequences of actions of a tree are noted, asked about or denied. Left out: the rules of the release; an empty list: none.',
    ),
  approvals: z
    .array(approvalRule)
    .min(1)
    .max(LIMITS.policy.approvals.rules)
    .optional()
    .describe(
      'Who may approve what, and how many. The first rule that selects a request decides; with this section, a request that none selects cannot be approved.',
    ),
  responders: z
    .array(responder)
    .max(LIMITS.policy.responders)
    .optional()
    .describe('What is prepared, or suspended by selector, when something happens. Left out: nothing.'),
  conditions: z
    .array(conditionEntry)
    .max(LIMITS.policy.conditions)
    .optional()
    .describe('Cedar policies that forbid calls, whatever permits them.'),
  subjects: z
    .array(subjectType)
    .max(LIMITS.policy.subjects)
    .optional()
    .describe('Which types of subjects of the AuthZEN API are people. Left out: only grants and runs are subjects.'),
  tests: z
    .array(policyTest)
    .max(LIMITS.policy.tests)
    .optional()
    .describe('What the bundle must decide: a lease, a history and a call, with the expected decision.'),
});
export type PolicyBundle = z.infer<typeof policyBundle>;
export type SectionName = keyof PolicyBundle;

export const POLICY_SCHEMA = 'policy-v1.json';

/** Returns the JSON Schema (2020-12) of a policy bundle and of each of its files, published as `policy-v1.json`. */
export function policySchema(): Record<string, unknown> {
  return {
    ...z.toJSONSchema(policyBundle, { io: 'input', unrepresentable: 'any' }),
    $id: `https://bailiwick.dev/schemas/${POLICY_SCHEMA}`,
    title: 'Policy bundle of Bailiwick',
    description:
      'One YAML file of a policy bundle, or the whole of it. The sections of several files are joined in the order of the names of the files.',
  };
}
