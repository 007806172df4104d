import { existsSync, readFileSync } from 'node:fs';
import { LIMITS } from '@bailiwick/core/limits';
import { z } from 'zod';

const schema = z.strictObject({
  /** who cosigns the checkpoints of our logs */
  witnesses: z
    .array(
      z.strictObject({
        /** C2SP verifier key of type 0x04 */
        vkey: z.string().max(400),
        /** its submission prefix: `/add-checkpoint` is put behind it */
        url: z.url({ protocol: /^https?$/ }),
        /** the least time between two checkpoints that are sent to it */
        everySeconds: z.number().int().min(1).max(86_400).default(5),
      }),
    )
    .max(LIMITS.witnesses)
    .default([]),
  /** whose checkpoints we cosign: more than one key where a log has changed its own */
  logs: z
    .array(z.strictObject({ origin: z.string().min(1).max(400), vkeys: z.array(z.string().max(400)).min(1).max(16) }))
    .max(LIMITS.logsWitnessed)
    .default([]),
});
export type WitnessConfig = z.infer<typeof schema>;

/** What `witnesses.json` says; nothing where it is not there. @throws Error that names what is wrong in it */
export function readWitnessConfig(file: string): WitnessConfig {
  if (!existsSync(file)) return { witnesses: [], logs: [] };
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`${file} is no JSON: ${(error as Error).message}`);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`${file}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is malformed'}`);
}
