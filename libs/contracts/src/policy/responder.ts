import { z } from 'zod';
import { parseDuration } from '@bailiwick/core/duration';
import { LIMITS } from '@bailiwick/core/limits';
import { amount, duration, freeText, name } from '../primitives';
import { policyRule, ruleName, stepMatcher, sumOf } from './rule';

/*
 * A responder acts on what happens in the log: it prepares a suspension and calls a person (`prepare`), or suspends by
 * selector (`suspend`). It never ends a lease, and it gives nothing back.
 */

const { responder: most } = LIMITS.policy;
const list = <T extends z.ZodType>(of: T) => z.array(of).min(1).max(most.list);
const classes = list(name).optional().describe('Classes of agents, one of which acts. Left out: each class.');
const { verbs, resource, labels, any_label, effects } = stepMatcher.shape;
const call = { verbs, resource, labels, any_label, effects, classes };
const isWindow = (text: string): boolean => {
  const ms = parseDuration(text) ?? 0;
  return ms >= 1_000 && ms <= most.windowMs;
};
const WINDOW = { error: 'must be from 1 second to 30 days' };
const within = duration
  .refine(isWindow, WINDOW)
  .describe('The time in which it is counted, in sixteenths: up to one more of them counts.');

export const responderTrigger = z
  .strictObject({
    drift: z
      .strictObject({
        at_least: z.number().min(0.01).max(1).describe('The score, from 0.01 to 1.'),
        classes,
      })
      .optional()
      .describe('The drift of a run reaches a value.'),
    rule: z
      .strictObject({ names: list(ruleName).describe('Names of rules of this bundle.'), classes })
      .optional()
      .describe('A rule over sequences objects to an action, or notes it.'),
    denials: z
      .strictObject({ ...call, at_least: z.number().int().min(1).max(most.count).describe('How many.'), within })
      .optional()
      .describe(
        'At least at_least actions are denied within a time. Denials because a lease is not live do not count.',
      ),
    spend: z
      .strictObject({
        ...call,
        of: sumOf.describe('What is added: calls, reads, writes, external, cost.USD or units.tokens, as charged.'),
        at_least: amount.min(1).describe('The sum; of money in minor units.'),
        within,
      })
      .optional()
      .describe('The permits within a time add up to an amount.'),
    canary: z
      .strictObject({
        ...call,
        tools: list(name).optional().describe('Names of tools, one of which is called.'),
      })
      .refine(({ verbs: named, tools, resource: of }) => [named, tools, of].some((each) => each !== undefined), {
        error: 'needs verbs, tools or resource: a canary is something that no honest run touches',
      })
      .optional()
      .describe('A tool, verb or resource that no honest run touches is asked for, whatever the decision.'),
  })
  .refine((value) => Object.values(value).filter((each) => each !== undefined).length === 1, {
    error: 'has exactly one trigger: drift, rule, denials, spend or canary',
  });
export type ResponderTrigger = z.infer<typeof responderTrigger>;

/** What a responder selects, from the run that triggers it. */
export const RESPONDER_SELECTS = ['tree', 'class-in-tree', 'instance', 'model', 'principal', 'class'] as const;
export type ResponderSelects = (typeof RESPONDER_SELECTS)[number];
export const RESPONDER_DOES = ['prepare', 'suspend'] as const;

export const responder = z
  .strictObject({
    name: policyRule.shape.name.describe('The name of the responder, which its suspensions state: canary-touched.'),
    on: responderTrigger.describe('What it responds to.'),
    do: z
      .enum(RESPONDER_DOES)
      .describe('prepare stops nothing: it records the selector that is ready to use. suspend suspends by it.'),
    select: z
      .enum(RESPONDER_SELECTS)
      .describe(
        'What is selected, from the run that triggers it: its tree, its class in its tree, its instance, its class with its model version, its principal, its class. Rates are counted for each of these separately.',
      ),
    lasts: duration
      .refine((text) => (parseDuration(text) ?? 0) <= most.windowMs, { error: 'must be at most 30 days' })
      .optional()
      .describe('How long a suspension applies. Left out: until a person lifts it.'),
    quarantine: z
      .boolean()
      .optional()
      .describe('New leases that the selector matches are refused while the suspension applies. Left out: false.'),
    limit: z
      .strictObject({
        most: z.number().int().min(1).max(most.limit).describe('The number of suspensions, or of calls to a person.'),
        within: duration.refine(isWindow, WINDOW).describe('The time.'),
      })
      .describe('How often it acts at most. A suspension beyond it is only prepared.'),
    says: freeText(LIMITS.reasonLength - 200).describe('For the person on call: what has happened, and what to do.'),
  })
  .refine(({ do: does, lasts }) => does === 'suspend' || lasts === undefined, {
    path: ['lasts'],
    error: 'only a suspension lasts; leave it out, or state do: suspend',
  })
  .refine(({ do: does, quarantine }) => does === 'suspend' || quarantine === undefined, {
    path: ['quarantine'],
    error: 'only a suspension has a quarantine; leave it out, or state do: suspend',
  });
export type Responder = z.infer<typeof responder>;

/** Why a suspension was only prepared: the limit of the responder, that of the tenant, or no room for suspensions. */
export const RESPONDER_LIMITED = ['responder', 'tenant', 'suspensions'] as const;
