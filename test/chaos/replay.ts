import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectBus } from '@bailiwick/messaging/connect';
import { startPostgres } from '@bailiwick/platform/local-servers/postgres';
import { RawHttpClient } from '../support/raw-http-client';
import type { Random } from '../support/random';
import type { Stack } from '../support/stack';
import { describeDifference } from './client';
import { ledgerTables, LOG, sql, databaseUrl } from './log';
import { isKept, type Exchange } from './record';

const CALLS = [
  { verb: 'file.read', resource: { type: 'file', id: 'README.md' } },
  { verb: 'file.write', resource: { type: 'file', id: 'somewhere/else.txt' } },
  { verb: 'payment.make', resource: { type: 'account', id: 'other-account' } },
];

/** Deletes everything derived from the log of a stopped system, so that its next start has only the log. */
export async function deleteDerivedData(stack: Stack): Promise<void> {
  const server = await startPostgres({ dataDir: stack.dataDir, existing: true });
  try {
    const url = new URL(server.url);
    url.pathname = '/bailiwick';
    await sql(url.toString(), `TRUNCATE ${(await ledgerTables(url.toString())).join(', ')}`);
    await sql(url.toString(), 'DELETE FROM intent.progress');
    await sql(url.toString(), 'DELETE FROM snapshot');
  } finally {
    await server.stop();
  }
}

/** Returns the intent monitor's scores for sample actions of each active lease, the observable part of its state. */
export async function scores(stack: Stack, grants: readonly string[], after: number): Promise<string[]> {
  const { nats } = JSON.parse(readFileSync(join(stack.dataDir, 'secrets.json'), 'utf8'));
  const bus = await connectBus({ url: stack.status().nats.url, user: 'operator', pass: nats.operator, name: 'check' });
  try {
    const lines: string[] = [];
    for (const grantId of grants) {
      for (const { verb, resource } of CALLS) {
        const payload = { log: LOG, grantId, after, action: { verb }, resource };
        const reply = await bus.request('bailiwick.intent.score', payload, 5_000);
        lines.push(`${grantId} ${verb}: ${JSON.stringify(reply)}`);
      }
    }
    return lines;
  } finally {
    await bus.drain();
  }
}

/** Describes the lines that only one of two lists contains, with a few examples of each. */
export function differences(what: string, before: readonly string[], after: readonly string[]): string[] {
  const [old, fresh] = [new Set(before), new Set(after)];
  const removed = before.filter((line) => !fresh.has(line));
  const added = after.filter((line) => !old.has(line));
  if (removed.length + added.length === 0 && before.length === after.length) return [];
  const shown = [
    ...removed.slice(0, 2).map((line) => `\n  live  ${line}`),
    ...added.slice(0, 2).map((line) => `\n  fresh ${line}`),
  ];
  return [`${what}: ${removed.length} of ${before.length} lines differ from a fresh replay${shown.join('')}`];
}

/** Repeats some answered requests with their keys; each must return its first response. */
export async function repeatRequests(
  stack: Stack,
  exchanges: readonly Exchange[],
  limit: number,
  random: Random,
): Promise<{ repeated: number; findings: string[] }> {
  const http = new RawHttpClient(stack.url, 32);
  const findings: string[] = [];
  const waiting = random.shuffled(exchanges.filter(isKept)).slice(0, limit);
  const repeated = waiting.length;
  const client = async (): Promise<void> => {
    for (let each = waiting.pop(); each; each = waiting.pop()) {
      const { path, body, key, role } = each;
      const request = { path, body, key: stack.keys[role] ?? role, idempotencyKey: key, timeoutMs: 20_000 };
      const response = await http.send(request);
      const found = describeDifference(path, each, response);
      if (found !== undefined) findings.push(`${path} with key ${key} returned another response at the end: ${found}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: 16 }, client));
  } finally {
    http.close();
  }
  return { repeated, findings };
}

/** Returns the number of events in the log; reads and repeated requests must not add any. */
export async function logSize(stack: Stack): Promise<number> {
  const [row] = await sql<{ next: string }>(
    databaseUrl(stack),
    'SELECT coalesce(max(position) + 1, 0) AS next FROM event WHERE log = $1',
    [LOG],
  );
  return Number(row?.next);
}
