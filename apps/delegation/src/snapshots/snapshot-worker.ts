import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { FOLD_VERSION } from '@bailiwick/authority/state/snapshot';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import { atOnce, takeSnapshot, type Pace, type SnapshotTaken } from '@bailiwick/platform/log-state';
import { lowerThisThread } from '@bailiwick/platform/priority';

export interface SnapshotJob {
  readonly log: string;
  readonly databaseUrl: string;
  /** events since the newest one: with fewer, that one will do */
  readonly atLeast: number;
  /** events since then, from which on it goes like everybody else: it would not catch up otherwise */
  readonly hurryFrom: number;
}
/** Where another process has taken the newest, nobody here knows what it cost. */
export type SnapshotTold = SnapshotTaken | { readonly position: number } | { readonly warning: string };

const tell = (told: SnapshotTold): void => parentPort?.postMessage(told);

async function main({ log, databaseUrl, atLeast, hurryFrom }: SnapshotJob): Promise<void> {
  const eventlog = new PostgresEventLog(databaseUrl, { max: 1 });
  try {
    const position = (await eventlog.latestSnapshot(log, FOLD_VERSION))?.position ?? 0;
    const since = (await eventlog.head(log)) - position;
    const warn = (warning: string): void => tell({ warning });
    if (since < atLeast) tell({ position });
    else tell(await takeSnapshot(log, eventlog, warn, since < hurryFrom ? unhurried() : atOnce()));
  } finally {
    await eventlog.close();
  }
}

const PIECE_EVENTS = 1_000;

/** Decisions go before it, and while it folds it takes half of one core at most. */
function unhurried(): Pace {
  lowerThisThread(constants.priority.PRIORITY_BELOW_NORMAL); // not the lowest: on a busy machine it would never end
  let from = performance.now();
  const pause = async (): Promise<void> => {
    await delay(performance.now() - from);
    from = performance.now();
  };
  return { events: PIECE_EVENTS, pause };
}

// what it throws is the thread's error, and told as such
void main(workerData as SnapshotJob);
