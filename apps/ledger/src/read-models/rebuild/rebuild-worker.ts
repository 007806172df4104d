import { parentPort, workerData } from 'node:worker_threads';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import { lowerThisThread } from '@bailiwick/platform/priority';
import { rebuild } from './rebuild';
import { RebuildStore } from './store';

export interface RebuildJob {
  readonly log: string;
  readonly databaseUrl: string;
}
/** The first message reports whether the rebuild started; a second one, why it failed. */
export type RebuildMessage = { readonly started: boolean } | { readonly failed: string };

/** Rebuilds the read models of one log on a thread of the lowest priority. */
async function main({ log, databaseUrl }: RebuildJob, report: (message: RebuildMessage) => void): Promise<void> {
  lowerThisThread();
  const store = await RebuildStore.begin(databaseUrl, log);
  report({ started: store !== undefined });
  if (!store) return;
  const eventlog = new PostgresEventLog(databaseUrl, { max: 1 });
  try {
    await rebuild(log, eventlog, store);
  } catch (error) {
    await store.fail((error as Error).message).catch(() => undefined);
    report({ failed: (error as Error).message });
  } finally {
    await eventlog.close();
    await store.end();
  }
}

void main(workerData as RebuildJob, (message) => parentPort?.postMessage(message)).catch((error: unknown) =>
  parentPort?.postMessage({ failed: (error as Error).message } satisfies RebuildMessage),
);
