import { randomUUID } from 'node:crypto';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import type { AppendEvent } from '@bailiwick/event-store/port';
import { evolve } from '@bailiwick/authority/events/evolve';
import { emptyState } from '@bailiwick/authority/state/state';
import { parseEvent } from '@bailiwick/contracts/events/event';
import { parseLogName } from '@bailiwick/core/ids';
import type { BenchOptions } from './bench';
import { fillLog } from './data/fill';
import { RawEvents } from './data/raw-events';
import { byTurns } from './report/rounds';

const GROUP = 256;
const ROUND_MS = 3_000;
const READ = 5_000;

/** Compares the event log with its plain table: the cost of positions, owner leases, schemas and the fold. */
export async function benchLog({ system, report, rounds }: BenchOptions): Promise<void> {
  const eventlog = new PostgresEventLog(system.databaseUrl, { max: 2 });
  const raw = new RawEvents(system.databaseUrl);
  try {
    const like = `bench-${randomUUID().slice(0, 8)}/0`;
    await eventlog.createLog(like);
    await fillLog(eventlog, like, { chains: 400, depth: 64, rules: 0 });
    await benchAppend();
    await benchFold();

    async function benchAppend(): Promise<void> {
      const rows = await rowsOf(eventlog, like);
      const logs = { ours: `bench-${randomUUID().slice(0, 8)}/0`, theirs: `bench-${randomUUID().slice(0, 8)}/0` };
      const next = { ours: 0, theirs: 0 };
      for (const log of Object.values(logs)) await eventlog.createLog(log);
      const timed = async (name: keyof typeof logs, insert: (position: number) => Promise<void>): Promise<number> => {
        const started = performance.now();
        const first = next[name];
        for (; performance.now() - started < ROUND_MS; next[name] += GROUP) await insert(next[name]);
        return ((next[name] - first) / (performance.now() - started)) * 1_000;
      };
      const group = (log: string, position: number): AppendEvent[] =>
        rows.slice(0, GROUP).map((row, i) => ({ ...row, tenant: parseLogName(log).tenant, position: position + i }));
      const figures = await byTurns(
        {
          ours: () =>
            timed('ours', async (position) => {
              const written = await eventlog.append(logs.ours, position, group(logs.ours, position));
              if (!written.ok) throw new Error(written.detail);
            }),
          theirs: () =>
            timed('theirs', (position) =>
              raw.insert(
                logs.theirs,
                position,
                group(logs.theirs, position).map((row) => ({
                  ...row,
                  payload: row.payload ?? null,
                  ids: [row.treeId ?? null, row.runId ?? null, row.grantId ?? null, row.actionId ?? null],
                })),
              ),
            ),
        },
        rounds,
      );
      report.against('append', 'events/s', 'raw-insert', figures.ours, figures.theirs);
    }

    async function benchFold(): Promise<void> {
      const { tenant, n } = parseLogName(like);
      const figures = await byTurns(
        {
          ours: () =>
            perSecond(async () => {
              const state = emptyState(like, tenant, n);
              for (;;) {
                const events = await eventlog.read(like, state.next, READ);
                for (const { body } of events) evolve(state, parseEvent(body));
                if (events.length < READ) return state.next;
              }
            }),
          theirs: () =>
            perSecond(async () => {
              for (let from = 0; ; from += READ) {
                const events = await raw.read(like, from, READ);
                if (events.length < READ) return from + events.length;
              }
            }),
        },
        rounds,
      );
      report.against('fold', 'events/s', 'raw-read', figures.ours, figures.theirs);
    }
  } finally {
    await raw.close();
    await eventlog.close();
  }
}

async function perSecond(events: () => Promise<number>): Promise<number> {
  const started = performance.now();
  const count = await events();
  return (count / (performance.now() - started)) * 1_000;
}

async function rowsOf(eventlog: PostgresEventLog, log: string): Promise<AppendEvent[]> {
  return (await eventlog.read(log, 0, GROUP)).map(({ position, type, time, body }) => {
    const { tenant, treeId, runId, grantId, commandId } = parseEvent(body);
    return { position, type, time, body, tenant, treeId, runId, grantId, commandId };
  });
}
