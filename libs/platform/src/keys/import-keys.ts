import { existsSync, readFileSync } from 'node:fs';
import { parseExactly } from '@bailiwick/core/json';
import { parseVerifierKey } from '@bailiwick/transparency-log/note';
import { z } from 'zod';

const schema = z
  .array(
    z.strictObject({
      /** C2SP verifier key of a log of another installation */
      vkey: z.string().max(1_000),
      /** leases of that log may stay valid here; otherwise its events are history only */
      continue: z.boolean().default(false),
    }),
  )
  .max(1_000);
export type ImportKeys = z.infer<typeof schema>;

/**
 * Reads `import-keys.json`, the keys whose logs the operator accepts; empty if the file does not exist. It is read at
 * each import, so that a new key needs no restart.
 * @throws Error that states what is wrong in it
 */
export function readImportKeys(file: string): ImportKeys {
  if (!existsSync(file)) return [];
  let keys: ImportKeys;
  try {
    keys = schema.parse(parseExactly(readFileSync(file, 'utf8')));
  } catch (error) {
    const issue = error instanceof z.ZodError ? error.issues[0] : undefined;
    throw new Error(
      `${file}: ${issue ? `${issue.path.join('.')} ${issue.message}`.trim() : (error as Error).message}; want [{ "vkey": "<verifier key>" }]`,
    );
  }
  for (const { vkey } of keys) {
    const parsed = parseVerifierKey(vkey);
    if (!parsed.ok) throw new Error(`${file}: ${vkey.slice(0, 80)} is not a verifier key: ${parsed.error}`);
  }
  return keys;
}
