import { z } from 'zod';
import { parseDuration } from '@bailiwick/core/duration';
import { LIMITS } from '@bailiwick/core/limits';
import { APPROVAL_SCOPES, approvalScope } from '../approvals/approval-scope';
import { effect, risk } from '../grants/grant';
import { costs, duration, freeText, name } from '../primitives';
import { ruleName } from './rule';

/*
 * A rule of the section `approvals` states who may approve the requests that it selects, and how. The first rule that
 * selects a request decides. With the section, a request that no rule selects can be approved by no person.
 */

const { approvals: most } = LIMITS.policy;

/** What a person is asked for: a call, a lease, or more than a lease has. */
export const APPROVAL_KINDS = ['action', 'grant', 'escalation'] as const;

const list = <T extends z.ZodType>(of: T) => z.array(of).min(1).max(most.list);

export const approvers = z
  .strictObject({
    people: list(name).optional().describe('Ids of people or keys: user:ada@example.com, key:approver.'),
    groups: list(name).optional().describe('Groups, as the identity provider or the key of the person states them.'),
    roles: list(name).optional().describe('Roles, such as approver.'),
  })
  .refine((value) => Object.values(value).some((each) => each !== undefined), {
    error: 'needs people, groups or roles',
  });
export type Approvers = z.infer<typeof approvers>;

const atMost = (ms: number) => (text: string) => (parseDuration(text) ?? 0) <= ms;
const people = z.number().int().min(1).max(most.people);

export const approvalRule = z.strictObject({
  name: ruleName.describe('The name of the rule, which refusals state: refunds.'),
  kinds: z
    .array(z.enum(APPROVAL_KINDS))
    .min(1)
    .max(APPROVAL_KINDS.length)
    .optional()
    .describe('What is asked for. Left out: each kind.'),
  verbs: list(z.string().min(1).max(LIMITS.nameLength))
    .optional()
    .describe('Patterns of verbs as in match of the catalog, one of which covers the verb of the call.'),
  classes: list(name).optional().describe('Classes of agents, one of which asks.'),
  risk: z.array(risk).min(1).max(4).optional().describe('Risk tiers, one of which the request has.'),
  effects: z.array(effect).min(1).max(4).optional().describe('Effects; the call has no other.'),
  cost: costs
    .optional()
    .describe('The most that the request may cost, in minor units, by currency. Beyond it the rule does not apply.'),
  by: approvers.optional().describe('Who may approve. Left out: each approver.'),
  needed: people.optional().describe('How many different people must approve. Left out: 1.'),
  denials: people.optional().describe('How many different people must deny. Left out: 1.'),
  fourEyes: z
    .boolean()
    .optional()
    .describe('A person that approved a lease of the run, or one above it, does not approve what is asked under it.'),
  scopes: z
    .array(approvalScope)
    .min(1)
    .max(APPROVAL_SCOPES.length)
    .optional()
    .describe('What one approval of a call may cover. Left out: call alone.'),
  expires: duration
    .refine(atMost(LIMITS.approvalMs), { error: 'must be at most 24 hours' })
    .optional()
    .describe('How long a request waits for its answers. Left out: 24h.'),
  coolDown: duration
    .refine(atMost(LIMITS.refusalAppliesMaxMs), { error: 'must be at most 24 hours' })
    .optional()
    .describe('How long the same request is refused without asking, after a person denied it. Left out: 10m.'),
  breakGlass: approvers
    .optional()
    .describe('Who may approve alone in an emergency, with a reason, which the log records as such.'),
  words: freeText(LIMITS.reasonLength).optional().describe('For people: what the rule is for.'),
});
export type ApprovalRule = z.infer<typeof approvalRule>;
