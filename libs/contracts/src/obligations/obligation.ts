import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { freeText } from '../primitives';

/**
 * What an enforcement point must do with a permitted call or its result. The kinds are in the order in which an
 * enforcement point applies them.
 */
export const OBLIGATION_KINDS = ['remove_fields', 'redact', 'max_rows', 'watermark', 'custom'] as const;
export type ObligationKind = (typeof OBLIGATION_KINDS)[number];

/**
 * A place in a result: a JSON Pointer (RFC 6901) in which the step `*` stands for each element of a list, or each member
 * of an object.
 */
export const field = z
  .string()
  .max(LIMITS.nameLength)
  .regex(/^(\/([^~/]|~[01])*)+$/, 'must be a JSON pointer that starts with a slash, such as /attendees/*/email')
  .refine((text) => text.split('/').length - 1 <= LIMITS.policy.pointerSteps, {
    error: `has more than ${LIMITS.policy.pointerSteps} steps`,
  });
const fields = z
  .array(field)
  .min(1)
  .max(LIMITS.obligations.fields)
  .describe('Pointers into the result, such as /attendees/*/email; * stands for each element.');

const customName = z
  .string()
  .max(64)
  .regex(/^[a-z][a-z0-9]*([_.-][a-z0-9]+)*$/, 'must be words of a–z and 0–9 with _, - or ., such as keep-in-eu');

const remove = { kind: z.literal('remove_fields').describe('Remove members of the result.'), fields };
const redact = { kind: z.literal('redact').describe('Replace values of the result.'), fields };
const rows = {
  kind: z.literal('max_rows').describe('Return a part of the result.'),
  rows: z.number().int().min(1).max(LIMITS.amountMax).describe('The most rows.'),
};
const mark = {
  kind: z.literal('watermark').describe('Mark the result.'),
  text: freeText(LIMITS.nameLength).describe('The text of the mark.'),
};
const custom = {
  kind: z.literal('custom').describe('What only the installation defines.'),
  name: customName.describe('Its name, which enforcement points know.'),
  value: z
    .union([z.string().max(LIMITS.nameLength), z.number(), z.boolean()])
    .optional()
    .describe('A parameter.'),
};

export const obligation = z.discriminatedUnion('kind', [
  z.strictObject(remove),
  z.strictObject(redact),
  z.strictObject(rows),
  z.strictObject(mark),
  z.strictObject(custom),
]);
export type Obligation = z.infer<typeof obligation>;
export const obligations = z.array(obligation).min(1).max(LIMITS.obligations.perList);

/** Only the size is checked here; patterns are checked and normalized where the rules read them. */
const scope = {
  actions: z
    .array(z.string().min(1).max(LIMITS.nameLength))
    .min(1)
    .max(LIMITS.patternsPerList)
    .optional()
    .describe('Patterns of the verbs that it is for. Left out: every verb.'),
};
/** An obligation of a lease or of a manifest, for some of its actions. */
export const scopedObligation = z.discriminatedUnion('kind', [
  z.strictObject({ ...remove, ...scope }),
  z.strictObject({ ...redact, ...scope }),
  z.strictObject({ ...rows, ...scope }),
  z.strictObject({ ...mark, ...scope }),
  z.strictObject({ ...custom, ...scope }),
]);
export type ScopedObligation = z.infer<typeof scopedObligation>;
export const scopedObligations = z.array(scopedObligation).max(LIMITS.obligations.perLease);

/** The obligations of one decision. */
export const decidedObligations = z.array(obligation).min(1).max(LIMITS.obligations.perDecision);

/** The name by which an enforcement point states that it applies an obligation: its kind, or `custom:` and its name. */
export const obligationName = (each: Obligation): string =>
  each.kind === 'custom' ? `custom:${each.name}` : each.kind;

/** The obligations that an enforcement point applies. A name that this release does not know does no harm. */
export const understands = z
  .array(
    z
      .string()
      .max(80)
      .regex(/^[a-z][a-z0-9_-]*(:[a-z0-9_.-]+)?$/, 'must be a kind of obligation such as max_rows, or custom:<name>'),
  )
  .max(LIMITS.obligations.understood);

/** The duty to report the outcome, which each permit has. */
export const REPORT_OUTCOME = 'report-outcome';
/** An obligation as an answer has it. */
export const answeredObligation = z.union([z.literal(REPORT_OUTCOME), obligation]);
export type AnsweredObligation = z.infer<typeof answeredObligation>;
