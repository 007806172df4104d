import { readFileSync } from 'node:fs';
import { replayRequest, type ReplayRequest } from '@bailiwick/contracts/replay/replay';
import { UsageError } from '../context';

/**
 * Reads a what-if from a file; flags override its members.
 * @throws UsageError that lists every mismatch if the file is not JSON or not a what-if
 */
export function readRequest(file: string, flags: Partial<ReplayRequest>): ReplayRequest {
  let read: unknown;
  try {
    read = JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8'));
  } catch (error) {
    throw new UsageError(`${file} cannot be read as JSON: ${(error as Error).message}`);
  }
  const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  const parsed = replayRequest.safeParse({ ...(read as object), ...given });
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'request'}: ${issue.message}`);
  throw new UsageError(`${file} is not a what-if: ${wrong.join('; ')}`);
}
