import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import { FOLD_VERSION } from '@bailiwick/authority/state/snapshot';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import { atOnce, takeSnapshot, type Pace, type SnapshotTaken } from '@bailiwick/platform/logs/log-state';
import { lowerThisThread } from '@bailiwick/platform/priority';

export interface SnapshotJob {
  readonly log: string;
  readonly databaseUrl: string;
  /** with fewer events since the newest snapshot, no new one is taken */
  readonly atLeast: number;
  /** with at least this many events since the newest snapshot, the thread runs at full speed in order to catch up */
  readonly hurryFrom: number;
}

/** `position` alone: another process has taken the newest snapshot, so its cost is unknown. */
export type SnapshotReport = SnapshotTaken | { readonly position: number } | { readonly warning: string };

const report = (message: SnapshotReport): void => parentPort?.postMessage(message);

async function take({ log, databaseUrl, atLeast, hurryFrom }: SnapshotJob): Promise<void> {
  const eventlog = new PostgresEventLog(databaseUrl, { max: 1 });
  try {
    const position = (await eventlog.latestSnapshot(log, FOLD_VERSION))?.position ?? 0;
    const since = (await eventlog.head(log)) - position;
    const warn = (warning: string): void => report({ warning });
    if (since < atLeast) report({ position });
    else report(await takeSnapshot(log, eventlog, warn, since < hurryFrom ? unhurried() : atOnce()));
  } finally {
    await eventlog.close();
  }
}

const PIECE_EVENTS = 1_000;

/** Lets decisions go first, and uses at most half of one core for folding. */
function unhurried(): Pace {
  lowerThisThread(constants.priority.PRIORITY_BELOW_NORMAL); // with the lowest priority it starves on a busy machine
  let from = performance.now();
  const pause = async (): Promise<void> => {
    await delay(performance.now() - from);
    from = performance.now();
  };
  return { events: PIECE_EVENTS, pause };
}

// one at a time; a rejection becomes the thread's `error` event, and ends it
parentPort?.on('message', (job: SnapshotJob) => void take(job));
