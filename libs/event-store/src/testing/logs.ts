import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import type { AppendEvent, EventLog } from '../port';

/** Provides the adapter under test, others of the same store, and logs that no other test uses. */
export class Logs {
  private static tenants = 0;

  constructor(readonly adapters: readonly [EventLog, ...EventLog[]]) {}

  get eventlog(): EventLog {
    return this.adapters[0];
  }

  /** Returns another adapter of the store, if there are several. */
  other(nth = 1): EventLog {
    return this.adapters[nth % this.adapters.length] as EventLog;
  }

  /** Creates an empty log of a new tenant. */
  async fresh(): Promise<string> {
    Logs.tenants += 1;
    const log = `t${Logs.tenants}/0`;
    await this.eventlog.createLog(log);
    return log;
  }

  all(log: string): Promise<StoredEvent[]> {
    return this.eventlog.read(log, 0, 10_000);
  }

  async bodies(log: string): Promise<string[]> {
    return (await this.all(log)).map((event) => event.body);
  }
}

/** Makes events that name their log, position and writer. */
export function batch(log: string, from: number, count: number, who = 'first'): AppendEvent[] {
  return Array.from({ length: count }, (_, i) => ({
    position: from + i,
    type: 'RunOpened',
    time: new Date(Date.UTC(2026, 0, 1, 0, 0, 0, from + i)).toISOString(),
    body: JSON.stringify({ log, position: from + i, who }),
    tenant: log.split('/')[0] as string,
    commandId: `cmd_${String(from + i).padStart(8, '0')}`,
  }));
}
