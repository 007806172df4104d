import type { FastifyReply } from 'fastify';
import { problemOf, Refused } from '../problems/problem';

export const NDJSON = 'application/x-ndjson';

/**
 * Writes lines of JSON, of which the last is the answer or the problem. For requests that may take longer than a client
 * waits for the start of a response.
 * @param failure the problem's detail if an unexpected error occurs
 */
export async function streamNdjson(
  reply: FastifyReply,
  failure: string,
  write: (line: (value: unknown) => void) => Promise<void>,
): Promise<void> {
  const { raw } = reply.hijack();
  const line = (value: unknown): void => void raw.write(`${JSON.stringify(value)}\n`);
  raw.writeHead(200, { 'content-type': NDJSON, 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
  try {
    await write(line);
  } catch (error) {
    const refused = error instanceof Refused ? error : new Refused('INTERNAL', failure);
    line({ problem: problemOf(refused).body });
  }
  raw.end();
}
