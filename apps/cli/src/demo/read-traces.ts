import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { z } from 'zod';
import { UsageError } from '../context';

const recordedRun = z.object({
  id: z.string(),
  suite: z.string(),
  model: z.string(),
  goal: z.string(),
  class: z.string(),
  /** the reference: the calls that an injected instruction caused, and how that was found */
  labels: z.object({ injectedCalls: z.array(z.tuple([z.number(), z.string()])).nullish() }).optional(),
  calls: z.array(
    z.object({
      tool: z.string(),
      args: z.record(z.string(), z.unknown()),
      result: z.string().optional(),
      error: z.string().optional(),
    }),
  ),
});
export type RecordedRun = z.infer<typeof recordedRun>;

/**
 * Reads recorded runs: one JSON object per line, decompressed if the name ends in .gz.
 * @param limit maximum number of runs
 * @throws UsageError that names the unreadable file, or the line that is not a recorded run, with the reason
 */
export async function readTraces(file: string, limit = Infinity): Promise<RecordedRun[]> {
  const runs: RecordedRun[] = [];
  let line = 0;
  for await (const text of linesOf(file)) {
    line += 1;
    if (text.trim() === '') continue;
    runs.push(parseRun(text, `${file}, line ${line}`));
    if (runs.length >= limit) break;
  }
  return runs;
}

function parseRun(text: string, where: string): RecordedRun {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${where} is not JSON: ${(error as Error).message}`);
  }
  const parsed = recordedRun.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new UsageError(
    `${where} is not a recorded run: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}`,
  );
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const raw = createReadStream(file);
  // pipeline, unlike pipe, forwards an error of the file to the reader of the lines
  const input = file.endsWith('.gz') ? pipeline(raw, createGunzip(), () => undefined) : raw;
  input.setEncoding('utf8');
  let rest = '';
  try {
    for await (const chunk of input) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() as string;
      yield* lines;
    }
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${describe(error as NodeJS.ErrnoException)}`);
  }
  if (rest !== '') yield rest;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  Z_DATA_ERROR: 'its name ends in .gz, but it is not a complete gzip file',
  Z_BUF_ERROR: 'its name ends in .gz, but it is not a complete gzip file',
};

const describe = ({ code = '', message }: NodeJS.ErrnoException): string => REASONS[code] ?? message;
