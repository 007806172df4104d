import { z } from 'zod';
import { parseDuration } from '@bailiwick/core/duration';
import { LIMITS } from '@bailiwick/core/limits';
import { label } from '../actions/action';
import type { REASON_CODES } from '../error-codes';
import { effect } from '../grants/grant';
import { obligations } from '../obligations/obligation';
import { amount, costs, duration, freeText, name, units } from '../primitives';

/*
 * A rule judges each action that is asked for (`on`) by what happened in its tree before (`when`). Grammar of `when`:
 *
 *   formula  = formerly | once | never | since | count_within | count_distinct_within | sum_within | data_from
 *            | all | any | not
 *   all, any = a list of formulas;  not = one formula
 *   the others: a matcher of steps of the past, with a window and what the operator compares
 *
 * Each mapping of a formula has exactly one member, its operator.
 */

const { rule: most } = LIMITS.policy;

/** The reason codes of the rules that the release ships, by the names of the rules. No other rule has one of them. */
export const RULE_CODES: Readonly<Record<string, (typeof REASON_CODES)[number]>> = {
  'secret-exfiltration': 'SECRET_EXFILTRATION',
  'exec-after-denied-escalation': 'EXEC_AFTER_DENIED_ESCALATION',
  'lethal-trifecta': 'LETHAL_TRIFECTA',
  'may-send-secret': 'MAY_SEND_SECRET',
  'may-send-private': 'MAY_SEND_PRIVATE',
  'fetch-after-private': 'FETCH_AFTER_PRIVATE',
  'fetch-after-secret': 'FETCH_AFTER_PRIVATE',
  'may-exec-after-denied-escalation': 'MAY_EXEC_AFTER_DENIED_ESCALATION',
  'sending-in-flight': 'SENDING_IN_FLIGHT',
  'may-send-in-flight': 'MAY_SEND_IN_FLIGHT',
};

export const ruleName = z
  .string()
  .max(64)
  .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'must be words of a–z and 0–9 with - between them, such as mass-reads');

/**
 * What a step of the past may be. `permitted`: an action that was permitted. `result`: the labels of an outcome.
 * `denied`: an action that was denied. `delegated`: a child lease was issued. `authority-refused`: a delegation or an
 * escalation was refused. `person-refused`: a person refused to approve.
 */
export const STEP_KINDS = [
  'permitted',
  'result',
  'denied',
  'delegated',
  'authority-refused',
  'person-refused',
] as const;
export type StepKind = (typeof STEP_KINDS)[number];

/** What may have to be the same as of the judged step, or another. */
export const STEP_PARTS = ['resource', 'verb', 'run'] as const;
export type StepPart = (typeof STEP_PARTS)[number];

const list = <T extends z.ZodType>(of: T) => z.array(of).min(1).max(most.list);
/** Only the size is checked here; the compiler of rules (`@bailiwick/authority`) checks and normalizes patterns. */
const verbPattern = z.string().min(1).max(LIMITS.nameLength);

const matcher = {
  labels: list(label).optional().describe('Labels, all of which the step has.'),
  any_label: list(label).optional().describe('Labels, at least one of which the step has.'),
  effects: list(effect).optional().describe('Effects, at least one of which the step has.'),
  verbs: list(verbPattern)
    .optional()
    .describe('Patterns of verbs as in match of the catalog, one of which covers the verb: email.send, payment.*'),
  resource: z
    .strictObject({
      type: z.string().min(1).max(LIMITS.nameLength).optional().describe('The type of the resource.'),
      match: z.string().min(1).max(LIMITS.resourceIdLength).optional().describe('A pattern of its id: repo/src/**.'),
    })
    .refine(({ type, match }) => type !== undefined || match !== undefined, { error: 'needs type or match' })
    .optional()
    .describe('The resource of the step.'),
  classes: list(name).optional().describe('Classes of agents, one of which acts.'),
};
const MATCHERS = Object.keys(matcher);
const matchesSomething = (value: object): boolean =>
  Object.entries(value).some(([key, each]) => each !== undefined && (MATCHERS.includes(key) || key === 'kind'));
const needsMatcher = { error: `needs at least one of ${MATCHERS.join(', ')}` };

export const stepMatcher = z.strictObject(matcher).refine(matchesSomething, needsMatcher);
export type StepMatcher = z.infer<typeof stepMatcher>;

const past = {
  ...matcher,
  kind: z
    .enum(STEP_KINDS)
    .optional()
    .describe('What the step was. Left out: an action that was permitted, or the labels of its result.'),
};
const isWindow = (value: string | number): boolean =>
  typeof value === 'number' || (parseDuration(value) ?? 0) <= most.windowMs;
const within = z
  .union([duration, z.number().int().min(1).max(most.windowActions)], {
    error: 'must be a duration such as 10m, or a number of actions',
  })
  .refine(isWindow, { error: 'must be at most 30 days' })
  .describe('How far back: a duration such as 10m by the times of the events, or a number of actions of the tree.');
const parts = z.array(z.enum(STEP_PARTS)).min(1).max(STEP_PARTS.length);
const same = parts.optional().describe('Only steps with the same resource, verb or run as the judged step.');
const different = parts.optional().describe('Only steps with another resource, verb or run than the judged step.');
const atLeast = (limit: number) => z.number().int().min(1).max(limit);

const seen = z
  .strictObject({ ...past, within: within.optional(), same, different })
  .refine(matchesSomething, needsMatcher)
  .refine((value) => value.same === undefined || value.different === undefined, {
    error: 'give same or different, not both',
  });
export type SeenSteps = z.infer<typeof seen>;

const pastStep = z.strictObject(past).refine(matchesSomething, needsMatcher);
export type PastMatcher = z.infer<typeof pastStep>;

export const since = z.strictObject({
  step: pastStep.describe('The newest such step starts the time.'),
  no: pastStep.describe('No such step followed.'),
  within: within.optional(),
});

export const countWithin = z
  .strictObject({ ...past, within, at_least: atLeast(most.count).describe('The number of steps.'), same })
  .refine(matchesSomething, needsMatcher);

export const DISTINCT = ['resources', 'verbs', 'types', 'runs', 'classes'] as const;
export const countDistinctWithin = z
  .strictObject({
    ...past,
    within,
    of: z.enum(DISTINCT).describe('What is counted once each; types are those of resources, classes those of agents.'),
    at_least: atLeast(most.count).describe('The number of different ones.'),
  })
  .refine(matchesSomething, needsMatcher);

/** What charges are added by. */
export const sumOf = z
  .string()
  .regex(
    /^(calls|reads|writes|external|cost\.[A-Z]{3}|units\.(?!constructor$)[a-z][a-z0-9_-]{0,39})$/,
    'must be calls, reads, writes, external, cost.USD (a currency) or units.tokens (a unit)',
  );

export const sumWithin = z
  .strictObject({
    ...past,
    within,
    of: sumOf.describe('What is added: a count, the cost of a currency in minor units, or a counted unit, as charged.'),
    at_least: amount.min(1).describe('The sum.'),
    same,
  })
  .refine(matchesSomething, needsMatcher);

/** What a rule does about data of which it is not known where it came from. */
export const UNKNOWN = ['object', 'ignore'] as const;
export const dataFrom = z
  .strictObject({
    ...matcher,
    within: within.optional(),
    unknown: z
      .enum(UNKNOWN)
      .optional()
      .describe(
        'ignore: values that were forgotten or left out do not count, nor a tree in which none are stated. Left out: object.',
      ),
  })
  .refine(matchesSomething, needsMatcher);
export type DataFrom = z.infer<typeof dataFrom>;

/** A formula over the past of a tree: exactly one member is present. */
export interface Formula {
  formerly?: SeenSteps | undefined;
  once?: SeenSteps | undefined;
  never?: SeenSteps | undefined;
  since?: z.infer<typeof since> | undefined;
  count_within?: z.infer<typeof countWithin> | undefined;
  count_distinct_within?: z.infer<typeof countDistinctWithin> | undefined;
  sum_within?: z.infer<typeof sumWithin> | undefined;
  data_from?: DataFrom | undefined;
  all?: Formula[] | undefined;
  any?: Formula[] | undefined;
  not?: Formula | undefined;
}

export const OPERATORS = [
  'formerly',
  'once',
  'never',
  'since',
  'count_within',
  'count_distinct_within',
  'sum_within',
  'data_from',
  'all',
  'any',
  'not',
] as const satisfies readonly (keyof Formula)[];

const several = z.lazy(() => z.array(formula).min(1).max(most.operators));
export const formula: z.ZodType<Formula> = z
  .strictObject({
    formerly: seen.optional().describe('An earlier step matches.'),
    once: seen.optional().describe('An earlier step matches, or the judged step.'),
    never: seen.optional().describe('No earlier step matches.'),
    since: since.optional().describe('An earlier step matches step, and none after the newest one matches no.'),
    count_within: countWithin.optional().describe('At least at_least steps match, the judged one included.'),
    count_distinct_within: countDistinctWithin
      .optional()
      .describe('The steps that match, the judged one included, have at least at_least different resources or verbs.'),
    sum_within: sumWithin.optional().describe('The charges of the steps that match, the judged one included, add up.'),
    data_from: dataFrom
      .optional()
      .describe('The arguments of the judged step have a value that the result of an earlier step that matches had.'),
    all: several.optional().describe('All of these formulas hold.'),
    any: several.optional().describe('At least one of these formulas holds.'),
    not: z
      .lazy(() => formula)
      .optional()
      .describe('This formula does not hold.'),
  })
  .refine((value) => Object.values(value).filter((each) => each !== undefined).length === 1, {
    error: `has exactly one operator: ${OPERATORS.join(', ')}`,
  });

const exampleValues = z.array(z.string().min(1).max(LIMITS.nameLength)).max(most.exampleSteps);

/** A step of an example. */
export const exampleStep = z.strictObject({
  kind: past.kind,
  labels: z.array(label).max(LIMITS.labelsPerAction).optional().describe('Its labels.'),
  effects: list(effect).optional().describe('Its effects. Left out: read.'),
  verb: verbPattern.optional().describe('Its verb.'),
  resource: z
    .strictObject({
      type: z.string().min(1).max(LIMITS.nameLength),
      id: z.string().min(1).max(LIMITS.resourceIdLength),
    })
    .optional()
    .describe('Its resource; {n} in the id is the number of the repetition.'),
  class: name.optional().describe('The class of its agent.'),
  run: name.optional().describe('The name of its run. Left out: one and the same.'),
  cost: costs.optional().describe('Its cost by currency, in minor units.'),
  units: units.optional().describe('Its counted units.'),
  values: exampleValues.optional().describe('The values of its arguments. Left out: they are not stated.'),
  returns: exampleValues.optional().describe('The values of its result. Left out: it has no outcome yet.'),
  after: duration.optional().describe('The time since the step before. Left out: 1s.'),
  times: z.number().int().min(1).max(most.repeatedSteps).optional().describe('How often it is repeated.'),
});
export type ExampleStep = z.infer<typeof exampleStep>;

const example = z
  .array(exampleStep)
  .min(1)
  .max(most.exampleSteps)
  .refine((steps) => steps.reduce((sum, { times = 1 }) => sum + times, 0) <= most.repeatedSteps, {
    error: `has more than ${most.repeatedSteps} steps`,
  });
const examples = z.array(example).min(1).max(most.examples);

export const RULE_OUTCOMES = ['note', 'ask', 'deny', 'suspend'] as const;
export type RuleOutcome = (typeof RULE_OUTCOMES)[number];

export const policyRule = z
  .strictObject({
    name: ruleName.describe('The name of the rule, which its reasons state: mass-reads.'),
    code: z
      .string()
      .optional()
      .describe('The reason code of a rule that the release ships. Other rules have the code POLICY_RULE.'),
    on: stepMatcher.describe('The actions that the rule judges.'),
    when: formula.describe('What must be true of the past of the tree. If it is, the rule objects to the action.'),
    outcome: z
      .enum(RULE_OUTCOMES)
      .describe(
        'note records it and changes nothing, ask asks a person, deny denies, suspend denies and suspends the lease.',
      ),
    obligations: obligations
      .optional()
      .describe('What the enforcement point must do with the call if the rule fires and the call is permitted.'),
    says: freeText(LIMITS.reasonLength - 200).describe('For people: what has happened, and what to do instead.'),
    examples: z
      .strictObject({
        fires: examples.describe('Histories to whose last step the rule must object.'),
        silent: examples.describe('Histories to whose last step it must not.'),
      })
      .describe('Short histories of one tree; the last step is the one that is judged.'),
  })
  .refine(({ name: named, code }) => code === undefined || RULE_CODES[named] === code, {
    path: ['code'],
    error: 'only the rules that the release ships have a code, each its own; leave it out',
  })
  .refine(({ outcome, obligations: own }) => own === undefined || outcome === 'note' || outcome === 'ask', {
    path: ['obligations'],
    error: 'a rule that denies has no obligations; state note or ask as its outcome',
  });
export type PolicyRule = z.infer<typeof policyRule>;

/** A rule as decisions need it. */
export type StatedRule = Omit<PolicyRule, 'examples'>;
