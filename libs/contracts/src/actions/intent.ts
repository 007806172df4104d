import { z } from 'zod';
import { calledTool, recordedLabels, resource } from './action';
import { feature } from '../events/event';
import { effect, risk } from '../grants/grant';
import { idOf, logNameSchema, position } from '../primitives';

/** The request on `bailiwick.intent.score`: how far does this call move its run from its purpose? */
export const scoreRequest = z.strictObject({
  log: logNameSchema,
  grantId: idOf('grant'),
  /** the score takes every event before this position into account */
  after: position,
  /** as its decision would record it: the owner of the log interprets it by the policy in force */
  call: z.strictObject({
    verb: z.string(),
    tool: calledTool.shape.tool,
    effect,
    risk: risk.optional(),
    resource: resource.omit({ attributes: true }),
    labels: recordedLabels,
  }),
  /** the redacted arguments */
  args: z.unknown().optional(),
});
export type ScoreRequest = z.infer<typeof scoreRequest>;

export const scoreAnswer = z.object({
  ok: z.literal(true),
  value: z.object({ score: z.number().min(0).max(1), features: z.array(feature).max(32) }),
});
