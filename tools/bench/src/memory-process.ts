import { fromSnapshotParts, toParts } from '@bailiwick/authority/state/snapshot';
import type { LogState } from '@bailiwick/authority/state/state';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import { loadState } from '@bailiwick/platform/log-state';

/** bytes of heap, by how the state came to be */
export interface MemoryTold {
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
  // the log alone: a snapshot would hide what a fold leaves behind
  const events = { read: eventlog.read.bind(eventlog), latestSnapshot: () => Promise.resolve(undefined) };
  const empty = heap();
  let state: LogState | undefined = await loadState(log, events, () => undefined);
  const folded = heap() - empty;
  const parts = [...toParts(state)];
  state = undefined;
  const before = heap();
  const again = fromSnapshotParts(parts);
  const restored = heap() - before;
  if (again.next === 0) throw new Error('the log is empty');
  await eventlog.close();
  process.send?.({ folded, restored } satisfies MemoryTold);
}

void main(process.argv[2] ?? '', process.argv[3] ?? '').then(() => process.disconnect());
