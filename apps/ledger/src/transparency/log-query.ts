import { logNameSchema } from '@bailiwick/contracts/primitives';
import { LIMITS } from '@bailiwick/core/limits';
import { z } from 'zod';

/** The payload of every request about the transparency of one log; each request reads the members it needs. */
export const logQuery = z.strictObject({
  log: logNameSchema,
  position: z.number().int().min(0).optional(),
  path: z.string().max(120).optional(),
  from: z.number().int().min(0).optional(),
  to: z.number().int().min(1).optional(),
  witnesses: z.number().int().min(0).max(LIMITS.witnesses).optional(),
  name: z.uuid().optional(),
});
export type LogQuery = z.infer<typeof logQuery>;
