import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { label } from '../actions/action';
import { effect, risk } from '../grants/grant';
import { obligations } from '../obligations/obligation';
import { amount, currency, freeText, name, unitName } from '../primitives';

/** The stages of one piece of work, in the order of their power: to prepare it, to put it forward, to carry it out. */
export const STAGES = ['draft', 'propose', 'execute'] as const;
export const stage = z.enum(STAGES);
export type Stage = z.infer<typeof stage>;

/** Only the size is checked here; the compiler of the catalog (`@bailiwick/authority`) checks and normalizes patterns. */
const verbPattern = z.string().min(1).max(LIMITS.nameLength);
const toolPattern = name;
const verb = z.string().min(1).max(LIMITS.nameLength);

/** A JSON Pointer (RFC 6901). The empty pointer, the whole of the arguments, is no value. */
export const pointer = z
  .string()
  .max(LIMITS.nameLength)
  .regex(/^(\/([^~/]|~[01])*)+$/, 'must be a JSON pointer (RFC 6901) that starts with a slash, such as /to')
  .refine((text) => text.split('/').length - 1 <= LIMITS.policy.pointerSteps, {
    error: `has more than ${LIMITS.policy.pointerSteps} steps`,
  });

const notAmount = 'must be a whole number, or a JSON pointer such as /amount to one';
/** What an attribute is taken from: one argument, or the addresses in all of them. */
const attributeSource = z.union([pointer, z.strictObject({ addresses: z.literal('all') })], {
  error: 'must be a JSON pointer such as /to; or { addresses: all } for the addresses in all arguments',
});
export type AttributeSource = z.infer<typeof attributeSource>;

const amountOrPointer = z.union([amount, pointer], { error: notAmount });
const costEstimate = z.union(
  [amount, pointer, z.strictObject({ major: pointer.describe('A pointer to an amount such as 12.50.') })],
  { error: `${notAmount}, in minor units (cents); or { major: /amount } for an amount such as 12.50` },
);

/** Text with pointers in braces: `mailto:{/to}`. A value takes no slash into a name, unless the pointer follows a `+`. */
const idTemplate = z.string().min(1).max(LIMITS.resourceIdLength);

const atMost = (most: number) => ({
  check: (value: object) => Object.keys(value).length <= most,
  params: { error: `has more than ${most} members` },
});
const few = atMost(LIMITS.attributesPerResource);
const fewUnits = atMost(LIMITS.units);
const fewCurrencies = atMost(LIMITS.currencies);

export const catalogEntry = z
  .strictObject({
    match: z
      .array(verbPattern)
      .min(1)
      .max(LIMITS.patternsPerList)
      .optional()
      .describe(
        'Patterns of verbs, such as email.send, email.* or **.delete. One without * is exact: its entry is the whole truth about that verb, and applies to other spellings of the same words (send_email).',
      ),
    tools: z
      .array(toolPattern)
      .min(1)
      .max(LIMITS.patternsPerList)
      .optional()
      .describe('Patterns of tool names, such as Bash or mcp__github__*; * stands for any text. Needs verb.'),
    verb: verb.optional().describe('The verb of the business that the tools stand for, such as email.send.'),
    effects: z
      .array(effect)
      .min(1)
      .max(4)
      .refine((list) => new Set(list).size === list.length, { error: 'names an effect twice' })
      .describe('The effects on the world; each is charged and must be permitted.'),
    stage: stage
      .optional()
      .describe(
        'draft prepares something that has no effect outside, propose puts it before a person, execute carries it out. Left out: draft for what only reads, execute otherwise.',
      ),
    risk: risk.describe('The risk tier.'),
    reversible: z
      .union([z.literal(false), verb], { error: 'must be false, or the verb that undoes it' })
      .optional()
      .describe('false, or the verb that undoes it, such as file.restore.'),
    labels: z
      .array(label)
      .max(LIMITS.labelsAdded)
      .optional()
      .describe('Labels of its actions, which the rules over sequences read.'),
    cost: z
      .record(currency, costEstimate)
      .refine(fewCurrencies.check, fewCurrencies.params)
      .optional()
      .describe(
        'The estimated cost by currency: minor units, a pointer to minor units, or { major: pointer } for an amount such as 12.50.',
      ),
    units: z
      .record(unitName, amountOrPointer)
      .refine(fewUnits.check, fewUnits.params)
      .optional()
      .describe('The estimated use of counted units, such as tokens: a whole number, or a pointer to one.'),
    resource: z
      .strictObject({
        type: z.string().min(1).max(LIMITS.nameLength).describe('The type of the resource, such as file.'),
        id: idTemplate.describe('The id: text with pointers into the arguments, such as mailto:{/to}.'),
      })
      .optional()
      .describe('The resource that a call reaches, from its arguments.'),
    attributes: z
      .record(z.string().min(1).max(LIMITS.nameLength), attributeSource)
      .refine(few.check, few.params)
      .optional()
      .describe(
        'Attributes of the resource by name, each a pointer into the arguments, or { addresses: all }: every address of mail, web, bank account or phone in the arguments, also within texts; none if there is none.',
      ),
    words: freeText(LIMITS.nameLength)
      .optional()
      .describe('What a person reads, after "may": send an email to people outside.'),
    obligations: obligations
      .optional()
      .describe('What the enforcement point must do with each such call, or with its result.'),
    sensitive: z
      .array(pointer)
      .min(1)
      .max(LIMITS.attributesPerResource)
      .optional()
      .describe('Pointers to members of the result that are more sensitive than the rest.'),
  })
  .refine(({ match, tools }) => match !== undefined || tools !== undefined, {
    error: 'an entry needs match (patterns of verbs) or tools (patterns of tool names)',
  })
  .refine(({ tools, verb: named }) => (tools === undefined) === (named === undefined), {
    error: 'tools and verb belong together: verb is the verb that the tools stand for',
  });
export type CatalogEntry = z.infer<typeof catalogEntry>;
export type CostEstimate = z.infer<typeof costEstimate>;
