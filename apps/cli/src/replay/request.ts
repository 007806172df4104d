import { readFileSync } from 'node:fs';
import { replayRequest, type ReplayRequest } from '@bailiwick/contracts/replay';
import { UsageError } from '../context';

/**
 * A what-if as it stands in a file, and what the flags say beside it; the flags count.
 * @throws UsageError where it is no JSON, or not of its form: every place that is wrong
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
  const wrong = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'it'}: ${issue.message}`);
  throw new UsageError(`${file} is no what-if: ${wrong.join('; ')}`);
}
