import { existsSync, readFileSync } from 'node:fs';
import { LIMITS } from '@bailiwick/core/limits';
import { z } from 'zod';

const schema = z.strictObject({
  /** witnesses that cosign the checkpoints of our logs */
  witnesses: z
    .array(
      z.strictObject({
        /** C2SP verifier key of type 0x04 */
        vkey: z.string().max(400),
        /** its submission prefix: `/add-checkpoint` is appended */
        url: z.url({ protocol: /^https?$/ }),
        /** minimum interval between two checkpoints sent to it */
        everySeconds: z.number().int().min(1).max(86_400).default(5),
      }),
    )
    .max(LIMITS.witnesses)
    .default([]),
  /** logs whose checkpoints we cosign, with several keys if a log has changed its key */
  logs: z
    .array(z.strictObject({ origin: z.string().min(1).max(400), vkeys: z.array(z.string().max(400)).min(1).max(16) }))
    .max(LIMITS.logsWitnessed)
    .default([]),
});
export type WitnessConfig = z.infer<typeof schema>;

/** Reads `witnesses.json`; empty if the file does not exist. @throws Error that states what is wrong in it */
export function readWitnessConfig(file: string): WitnessConfig {
  if (!existsSync(file)) return { witnesses: [], logs: [] };
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`${file} is not JSON: ${(error as Error).message}`);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`${file}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is malformed'}`);
}
