import type { LogState } from '@bailiwick/authority/state/state';
import { readWhereReadable } from '@bailiwick/contracts/events/payload';
import type { EventLog } from '@bailiwick/event-store/port';
import type { FactsOf, RunFacts } from './filter';
import type { LedgerStore } from '../read-models/store';

/** The stores from which to read the opening event of a run that the state no longer contains. */
export interface Openings {
  readonly eventlog: Pick<EventLog, 'at'>;
  readonly store: Pick<LedgerStore, 'places'>;
}

/** Caches the facts of runs during one request: from the state, or from the log if the state no longer contains a run. */
export class FactsOfRuns {
  private readonly known = new Map<string, RunFacts | undefined>();

  constructor(
    private readonly state: LogState,
    private readonly openings: Openings,
  ) {}

  /** Returns the facts of a fetched run; undefined if the run does not exist. */
  readonly of: FactsOf = (runId) => this.known.get(runId);

  /** Reads from the state before the first await: the state may drop runs during one. */
  async fetch(runIds: readonly (string | undefined)[]): Promise<void> {
    const missing: string[] = [];
    for (const runId of new Set(runIds)) {
      if (runId === undefined || this.known.has(runId)) continue;
      const run = this.state.runs.get(runId);
      this.known.set(runId, run);
      if (!run) missing.push(runId);
    }
    if (missing.length > 0) await this.read(missing);
  }

  private async read(runIds: readonly string[]): Promise<void> {
    const { eventlog, store } = this.openings;
    const { log } = this.state;
    const rows = await store.places(log, 'run', runIds);
    const opened = await eventlog.at(
      log,
      rows.map(({ position }) => position),
    );
    for (const stored of opened) {
      const event = readWhereReadable(stored)?.event;
      if (event?.type === 'RunOpened' && event.runId !== undefined) this.known.set(event.runId, event.data);
    }
  }
}
