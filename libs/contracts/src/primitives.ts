import { z } from 'zod';
import { parseDuration } from '@bailiwick/core/duration';
import { ID_PREFIX, isId, type IdKind } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { parseTime } from '@bailiwick/core/clock';

/** An id of one kind, e.g. `grt_0_…`. */
export const idOf = (kind: IdKind) =>
  z
    .string()
    .max(LIMITS.idLength)
    .refine((id) => isId(kind, id), { error: `must be a ${kind} id (${ID_PREFIX[kind]}_…)` });

export const tenantName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be 1–63 of a–z, 0–9 and -, not starting with -');

export const logNameSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}\/\d{1,6}$/, 'must be <tenant>/<number>');

export const position = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** RFC 3339 date-time with an offset. */
export const time = z
  .string()
  .max(40)
  .refine((text) => parseTime(text) !== undefined, { error: 'must be an RFC 3339 time, e.g. 2026-01-31T12:00:00Z' });

export const duration = z
  .string()
  .max(12)
  .refine((text) => parseDuration(text) !== undefined, {
    error: 'must be a whole number with ms, s, m, h or d, e.g. 30m',
  });

/** Matches control characters, which could forge a line in a log or a terminal. */
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;
export const freeText = (max: number = LIMITS.textLength) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((text) => !CONTROL.test(text), { error: 'must not contain control or direction-changing characters' });

/** A short name, one line. */
export const name = freeText(LIMITS.nameLength)
  .refine((text) => !/[\r\n\t]/.test(text), { error: 'must be one line' })
  .refine((text) => text === text.trim() && !/\p{Cf}/u.test(text), {
    error: 'must not start or end with a space, or contain invisible characters',
  });

/** The name of an agent. Sentences for people contain it and rules match it, so it is one word. */
export const agentName = name.refine(
  (text) => /^[\p{L}\p{N}][\p{L}\p{M}\p{N}._:@/+-]*$/u.test(text) && text === text.normalize('NFKC'),
  { error: 'must be one word of letters, digits and . _ : @ / + -, such as repo-maintenance-agent' },
);

/** A digest with its algorithm: `sha256:<64 hex>`. */
export const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256:<64 lower-case hex digits>');

export const currency = z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code such as USD');

/** A whole number of minor units (cents), or a whole count. */
export const amount = z.number().int('must be a whole number').min(0).max(LIMITS.amountMax);

export const costs = z.record(currency, amount).refine((value) => Object.keys(value).length <= LIMITS.currencies, {
  error: `at most ${LIMITS.currencies} currencies`,
});

/** The name of something that is counted, such as `tokens`. Lower case and ASCII, so that it has one spelling. */
export const unitName = z
  .string()
  .regex(/^(?!constructor$)[a-z][a-z0-9_-]{0,39}$/, 'must be 1–40 of a–z, 0–9, _ and -, such as tokens');

export const units = z.record(unitName, amount).refine((value) => Object.keys(value).length <= LIMITS.units, {
  error: `at most ${LIMITS.units} units`,
});

/**
 * A name of the IANA time zone database. Only its form is checked: whether a zone is known depends on the machine, and a
 * stored lease must be readable on every machine.
 */
export const timezone = z
  .string()
  .max(64)
  .regex(/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/, 'must be an IANA time zone, such as Europe/Berlin');

/** A keyed pseudonym for a person or a free text: within a tenant the same input gives the same ref. */
export const ref = z.string().regex(/^ref_[0-9a-z]{26}$/, 'must be a ref');
