import { z } from 'zod';
import { LIMITS } from '#kernel/limits';
import { labels, resource } from './action';
import { feature } from './event';
import { effect, risk } from './grant';
import { digest, idOf, logNameSchema, name, position } from './primitives';

/** The question on `bailiwick.intent.score`: how far would this call move its run from its purpose? */
export const scoreRequest = z.strictObject({
  log: logNameSchema,
  grantId: idOf('grant'),
  /** with every event before this position taken into account */
  after: position,
  action: z.strictObject({
    verb: z.string().min(1).max(LIMITS.nameLength),
    argsDigest: digest.optional(),
    tool: name.optional(),
    risk: risk.optional(),
    effect: effect.optional(),
  }),
  resource,
  labels: labels.optional(),
  /** the redacted arguments */
  args: z.unknown().optional(),
});
export type ScoreRequest = z.infer<typeof scoreRequest>;

export const scoreAnswer = z.object({
  ok: z.literal(true),
  value: z.object({ score: z.number().min(0).max(1), features: z.array(feature).max(32) }),
});
