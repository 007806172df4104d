import { fromSnapshotParts, toParts } from '@bailiwick/authority/state/snapshot';
import type { LogState } from '@bailiwick/authority/state/state';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import { loadState } from '@bailiwick/platform/logs/log-state';

/** bytes of heap, by the origin of the state */
export interface MemoryReport {
  readonly folded: number;
  readonly restored: number;
}

const collect = (globalThis as { gc?: () => void }).gc ?? ((): void => undefined);
const heap = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};

async function main(databaseUrl: string, log: string): Promise<void> {
  const eventlog = new PostgresEventLog(databaseUrl, { max: 1 });
  // without snapshots, which would hide the memory that a fold leaves behind
  const events = { read: eventlog.read.bind(eventlog), latestSnapshot: () => Promise.resolve(undefined) };
  const empty = heap();
  let state: LogState | undefined = await loadState(log, events, () => undefined);
  const folded = heap() - empty;
  const parts = [...toParts(state)];
  state = undefined;
  const before = heap();
  const loaded = fromSnapshotParts(parts);
  const restored = heap() - before;
  if (loaded.next === 0) throw new Error('the log is empty');
  await eventlog.close();
  process.send?.({ folded, restored } satisfies MemoryReport);
}

void main(process.argv[2] ?? '', process.argv[3] ?? '').then(() => process.disconnect());
