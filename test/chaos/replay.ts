import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectBus } from '@bailiwick/messaging/connect';
import { startPostgres } from '@bailiwick/platform/servers/postgres';
import { Asker } from '../support/asker';
import type { Random } from '../support/random';
import type { Stack } from '../support/stack';
import { unlike } from './client';
import { ledgerTables, LOG, sql, databaseUrl } from './log';
import { isKept, type Exchange } from './record';

const CALLS = [
  { verb: 'file.read', resource: { type: 'file', id: 'README.md' } },
  { verb: 'file.write', resource: { type: 'file', id: 'somewhere/else.txt' } },
  { verb: 'payment.make', resource: { type: 'account', id: 'of-a-stranger' } },
];

/** Takes from a stopped system all that was made from the log: what is started over it has nothing but the log. */
export async function forgetAllButTheLog(stack: Stack): Promise<void> {
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

/** What the intent monitor says of some calls of each lease that is at work: all that anybody can know of its state. */
export async function scores(stack: Stack, grants: readonly string[], after: number): Promise<string[]> {
  const { nats } = JSON.parse(readFileSync(join(stack.dataDir, 'secrets.json'), 'utf8'));
  const bus = await connectBus({ url: stack.status().nats.url, user: 'operator', pass: nats.operator, name: 'check' });
  try {
    const said: string[] = [];
    for (const grantId of grants) {
      for (const { verb, resource } of CALLS) {
        const asked = { log: LOG, grantId, after, action: { verb }, resource };
        const reply = await bus.request('bailiwick.intent.score', asked, 5_000);
        said.push(`${grantId} ${verb}: ${JSON.stringify(reply)}`);
      }
    }
    return said;
  } finally {
    await bus.drain();
  }
}

/** What two lists of lines do not have in common, as far as a person wants to read it. */
export function differences(what: string, before: readonly string[], after: readonly string[]): string[] {
  const [old, fresh] = [new Set(before), new Set(after)];
  const gone = before.filter((line) => !fresh.has(line));
  const come = after.filter((line) => !old.has(line));
  if (gone.length + come.length === 0 && before.length === after.length) return [];
  const shown = [
    ...gone.slice(0, 2).map((line) => `\n  live  ${line}`),
    ...come.slice(0, 2).map((line) => `\n  fresh ${line}`),
  ];
  return [`${what}: ${gone.length} of ${before.length} lines are not those of a fresh replay${shown.join('')}`];
}

/** Asks some again, with their keys, that were answered: they are told what they were then. */
export async function askAgain(
  stack: Stack,
  exchanges: readonly Exchange[],
  most: number,
  random: Random,
): Promise<{ asked: number; findings: string[] }> {
  const asker = new Asker(stack.url, 32);
  const findings: string[] = [];
  const waiting = random.shuffled(exchanges.filter(isKept)).slice(0, most);
  const asked = waiting.length;
  const client = async (): Promise<void> => {
    for (let each = waiting.pop(); each; each = waiting.pop()) {
      const { path, body, key, role } = each;
      const question = { path, body, key: stack.keys[role] ?? role, idempotencyKey: key, timeoutMs: 20_000 };
      const told = await asker.ask(question);
      const found = unlike(each, told);
      if (found !== undefined) findings.push(`${path} with key ${key} was told another thing in the end: ${found}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: 16 }, client));
  } finally {
    asker.close();
  }
  return { asked, findings };
}

/** Is the head where it was? What is only told again or read adds nothing. */
export async function head(stack: Stack): Promise<number> {
  const [row] = await sql<{ next: string }>(
    databaseUrl(stack),
    'SELECT coalesce(max(position) + 1, 0) AS next FROM event WHERE log = $1',
    [LOG],
  );
  return Number(row?.next);
}
