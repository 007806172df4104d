import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { logNameSchema, time } from '../primitives';

/**
 * `enforces`: it enforces the log up to the position; `behind`: it has not reported so yet; `closed`: it cannot hear the
 * log, and lets nothing of it pass; `silent`: it does not report, and must have aborted its calls; `gone`: it has not
 * reported for longer than any call may take, so that nothing waits for it.
 */
export const pointState = z.enum(['enforces', 'behind', 'closed', 'silent', 'gone']);

/** An enforcement point, and how far it enforces a log. */
export const pointView = z.object({
  /** of a boundary process: derived from its key, with which it signs its reports */
  name: z.string(),
  /** `owner`: the owner of the log, which makes every decision; `boundary`: a process with calls in flight */
  kind: z.enum(['owner', 'boundary']),
  state: pointState,
  /** `<host>:<pid>` as it reports it; only for the tenant of the installation */
  process: z.string().optional(),
  /** the position up to which it enforces the log; left out: it has reported none */
  epoch: z.int().min(-1).optional(),
  /** when it was known to enforce the position, and how long after the event, ms */
  enforcedAt: time.optional(),
  afterMs: z.number().min(0).optional(),
  /** since its last report, ms */
  silentMs: z.number().min(0).optional(),
  /** after which it aborts its calls if it hears nothing, ms */
  boundMs: z.number().optional(),
  inFlight: z.number().int().min(0).optional(),
  /** calls that it has aborted for the revocation; without one, for any since it started */
  aborted: z.number().int().min(0).optional(),
});
export type PointView = z.infer<typeof pointView>;

/** What enforces a log, and how far. */
export const pointsAnswer = z.object({
  log: logNameSchema,
  position: z.int().min(-1),
  /** time of the event at the position */
  at: time.optional(),
  /** every point enforces the log up to the position */
  confirmed: z.boolean(),
  /** ms until the gateway has listened for long enough to know every point; nothing is confirmed before */
  settlingMs: z.int().min(1).optional(),
  /** more points report than can be listed, so that nothing is confirmed; and names of those that are not listed */
  overflow: z.boolean().optional(),
  leftOut: z.array(z.string()).max(LIMITS.points).optional(),
  items: z.array(pointView),
  /** the latest end of a token of a call that was permitted before */
  tokensEndBy: time.optional(),
  next: z.null(),
});
export type PointsAnswer = z.infer<typeof pointsAnswer>;
