import { parentPort, workerData } from 'node:worker_threads';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import { lowerThisThread } from '@bailiwick/platform/priority';
import { rebuild } from './rebuild';
import { RebuildStore } from './store';

export interface RebuildJob {
  readonly log: string;
  readonly databaseUrl: string;
}
/** First whether it begins, then how it ended. */
export type RebuildTold = { readonly began: boolean } | { readonly failed: string };

/** Makes the read models of one log again, on a thread that every other goes before. */
async function main({ log, databaseUrl }: RebuildJob, tell: (told: RebuildTold) => void): Promise<void> {
  lowerThisThread();
  const store = await RebuildStore.begin(databaseUrl, log);
  tell({ began: store !== undefined });
  if (!store) return;
  const eventlog = new PostgresEventLog(databaseUrl, { max: 1 });
  try {
    await rebuild(log, eventlog, store);
  } catch (error) {
    await store.fail((error as Error).message).catch(() => undefined);
    tell({ failed: (error as Error).message });
  } finally {
    await eventlog.close();
    await store.end();
  }
}

void main(workerData as RebuildJob, (told) => parentPort?.postMessage(told)).catch((error: unknown) =>
  parentPort?.postMessage({ failed: (error as Error).message } satisfies RebuildTold),
);
