import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { grantRequest, onDrift, permissionsLimit } from '../grants/grant';
import { scopedObligations } from '../obligations/obligation';
import { agentName, duration, freeText, timezone } from '../primitives';
import { ruleName } from './rule';

/** The days of a week, as ISO 8601 orders them. */
export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

const clock = z
  .string()
  .regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'must be a time of the day such as 08:30, or 24:00');

export const workingHours = z
  .strictObject({
    days: z
      .array(z.enum(WEEKDAYS))
      .min(1)
      .max(7)
      .refine((list) => new Set(list).size === list.length, { error: 'names a day twice' })
      .describe('The days of the week.'),
    from: clock.describe('The first minute of the day, such as 08:00.'),
    until: clock.describe(
      'The minute of the day from which nothing is permitted, such as 18:00; 24:00 is the end of it.',
    ),
    timezone: timezone.describe('The time zone of the days and times, such as Europe/Berlin.'),
  })
  .refine(({ from, until }) => from < until, { error: 'from must be before until' });
export type WorkingHours = z.infer<typeof workingHours>;

const { actions, resources, permissions, deny, delegation, risk, posture, purpose, time, budget } = grantRequest.shape;
const budgetCaps = budget.unwrap().omit({ reserve: true }).optional();

/** The members of a lease that a manifest bounds. Each that is left out is not bounded. */
export const most = z.strictObject({
  time: z
    .strictObject({ ttl: duration.describe('How long a lease lasts at most from its issue, renewals included.') })
    .optional(),
  purpose: z.strictObject({ onDrift }).optional(),
  actions,
  resources,
  permissions,
  deny,
  budget: budgetCaps,
  delegation,
  risk,
  posture,
});
export type MostRequest = z.infer<typeof most>;

/** What a root lease gets for the members that its request leaves out. */
const defaultLease = z.strictObject({
  time: z
    .strictObject({
      ttl: duration.optional(),
      renewUntil: duration.optional().describe('From the start of the lease.'),
      endsOn: time.unwrap().shape.endsOn,
    })
    .optional(),
  purpose,
  actions,
  resources,
  permissions,
  deny,
  budget: budgetCaps,
  delegation,
  risk,
  posture,
  obligations: scopedObligations.optional(),
});
export type DefaultLease = z.infer<typeof defaultLease>;

/** A bundle of permissions that a run may ask a person for. */
export const askableBundle = z.strictObject({
  name: ruleName.describe('Words of a–z and 0–9 with - between them; a run asks by it.'),
  words: freeText(LIMITS.nameLength).describe('What a run may do with it, for the person that is asked.'),
  permissions: permissionsLimit.min(1).describe('Entries as in the grant of POST /v1/runs, within most.'),
  lasts: duration.optional().describe('How long it is held from the approval. Left out: as long as the lease.'),
});
export type AskableBundle = z.infer<typeof askableBundle>;

/** What the agents of a class may hold. */
export const manifest = z.strictObject({
  class: z
    .union([z.literal('*'), agentName], { error: 'must be the name of a class of agents, or * for all others' })
    .describe('The class of agents, or * for each class without a manifest.'),
  owner: freeText(LIMITS.nameLength).describe('The person or team that answers for the class.'),
  words: freeText(LIMITS.nameLength).optional().describe('What the class is for, in one sentence for people.'),
  most: most.optional().describe('The most that a lease of the class may hold, as in the grant of POST /v1/runs.'),
  lease: defaultLease.optional().describe('What a root lease gets for the members that its request leaves out.'),
  hours: workingHours.optional().describe('When the class may act. Left out: at any time.'),
  obligations: scopedObligations
    .min(1)
    .optional()
    .describe('What enforcement points must do with the calls of the class, and of all leases below it.'),
  mayAsk: z
    .array(askableBundle)
    .max(LIMITS.policy.bundles)
    .optional()
    .describe('The bundles that a run may ask for while it works. Left out: it may ask for anything within most.'),
  unlisted: z
    .enum(['refuse', 'ask'])
    .optional()
    .describe('With mayAsk, a request for anything else is refused, or a person is asked. Left out: refuse.'),
  beyond: z
    .enum(['refuse', 'ask'])
    .optional()
    .describe('A request for a root lease beyond most is refused, or a person is asked. Left out: refuse.'),
});
export type ManifestEntry = z.infer<typeof manifest>;
