import { constants } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { FOLD_VERSION } from '#authority/snapshot';
import { PostgresEventLog } from '#eventlog/postgres';
import { takeSnapshot } from '#platform/log-state';
import { lowerThisThread } from '#platform/priority';

export interface SnapshotJob {
  readonly log: string;
  readonly databaseUrl: string;
  /** events since the newest one: with fewer, that one will do */
  readonly atLeast: number;
}
export type SnapshotTaken = { readonly position: number } | { readonly warning: string };

const tell = (told: SnapshotTaken): void => parentPort?.postMessage(told);

async function main({ log, databaseUrl, atLeast }: SnapshotJob): Promise<void> {
  lowerThisThread(constants.priority.PRIORITY_BELOW_NORMAL); // not the lowest: on a busy machine it would never end
  const eventlog = new PostgresEventLog(databaseUrl, { max: 1 });
  try {
    const newest = await eventlog.latestSnapshot(log, FOLD_VERSION);
    const isDue = (await eventlog.head(log)) - (newest?.position ?? 0) >= atLeast;
    const position = isDue ? await takeSnapshot(log, eventlog, (warning) => tell({ warning })) : newest?.position;
    tell({ position: position ?? 0 });
  } finally {
    await eventlog.close();
  }
}

// what it throws is the thread's error, and told as such
void main(workerData as SnapshotJob);
