import type { LogState } from '@bailiwick/authority/state/state';
import { readWhereReadable } from '@bailiwick/contracts/payload';
import type { EventLog } from '@bailiwick/event-store/port';
import type { FactsOf, RunFacts } from './filter';
import type { LedgerStore } from '../read-models/store';

/** Where the opening of a run that was forgotten is found again. */
export interface Openings {
  readonly eventlog: Pick<EventLog, 'at'>;
  readonly store: Pick<LedgerStore, 'places'>;
}

/**
 * What is said of runs when they are opened, for as long as one question is answered: from the state, or from the log
 * where the state has forgotten them.
 */
export class FactsOfRuns {
  private readonly told = new Map<string, RunFacts | undefined>();

  constructor(
    private readonly state: LogState,
    private readonly openings: Openings,
  ) {}

  /** Of a run that was fetched; undefined where there is no such run. */
  readonly of: FactsOf = (runId) => this.told.get(runId);

  /** Those that the state knows are taken from it before anything is waited for: meanwhile it may forget them. */
  async fetch(runIds: readonly (string | undefined)[]): Promise<void> {
    const missing: string[] = [];
    for (const runId of new Set(runIds)) {
      if (runId === undefined || this.told.has(runId)) continue;
      const run = this.state.runs.get(runId);
      this.told.set(runId, run);
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
      if (event?.type === 'RunOpened' && event.runId !== undefined) this.told.set(event.runId, event.data);
    }
  }
}
