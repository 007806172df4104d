import type { FastifyReply } from 'fastify';
import { problemOf, Refused } from './problem';

export const NDJSON = 'application/x-ndjson';

/**
 * Answers in lines of JSON, the last of which is the answer or the problem: for what may take longer than a client waits
 * until an answer begins.
 * @param what the problem, in words, where something unforeseen goes wrong
 */
export async function pour(
  reply: FastifyReply,
  what: string,
  tell: (line: (value: unknown) => void) => Promise<void>,
): Promise<void> {
  const { raw } = reply.hijack();
  const line = (value: unknown): void => void raw.write(`${JSON.stringify(value)}\n`);
  raw.writeHead(200, { 'content-type': NDJSON, 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
  try {
    await tell(line);
  } catch (error) {
    const refused = error instanceof Refused ? error : new Refused('INTERNAL', what);
    line({ problem: problemOf(refused).body });
  }
  raw.end();
}
