import { Inject, Injectable } from '@nestjs/common';
import { logName, logNumberOf } from '@bailiwick/core/ids';
import type { EventLog } from '@bailiwick/event-store/port';
import { EVENT_LOG } from '../connections/tokens';
import { catchUp } from './catch-up';
import type { LogLedger } from './log-ledger';

/** The ledgers of all logs that this process follows. */
@Injectable()
export class LogLedgers {
  private readonly ledgers = new Map<string, LogLedger>();
  private readonly listeners: ((ledger: LogLedger) => void)[] = [];

  constructor(@Inject(EVENT_LOG) private readonly eventlog: Pick<EventLog, 'head'>) {}

  add(ledger: LogLedger): void {
    this.ledgers.set(ledger.state.log, ledger);
    for (const listener of this.listeners) listener(ledger);
  }

  has(log: string): boolean {
    return this.ledgers.has(log);
  }

  get(log: string): LogLedger | undefined {
    return this.ledgers.get(log);
  }

  all(): LogLedger[] {
    return [...this.ledgers.values()];
  }

  /** Calls the listener for every ledger: those that exist now and those added later. */
  forEach(listener: (ledger: LogLedger) => void): void {
    this.listeners.push(listener);
    this.all().forEach(listener);
  }

  /** Returns the ledgers of a tenant (I9), ordered by log; of one log only, if `only` names it. */
  ofTenant(tenant: string, only?: string): LogLedger[] {
    return [...this.ledgers]
      .filter(([log]) => log.startsWith(`${tenant}/`) && (only === undefined || log === only))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, ledger]) => ledger);
  }

  /**
   * Returns the ledger of the log that an id names, within a tenant (I9).
   *
   * Without `minPosition` it waits for the current end of the log, so that callers see their own writes; if the ledger
   * does not catch up in time, it answers from its present state.
   * @throws NotYet if the ledger does not reach `minPosition` in time
   */
  async find(tenant: string, id: string, minPosition?: number): Promise<LogLedger | undefined> {
    const n = logNumberOf(id);
    const ledger = n === undefined ? undefined : this.ledgers.get(logName(tenant, n));
    if (ledger && minPosition === undefined) await ledger.reached((await this.eventlog.head(ledger.state.log)) - 1);
    await catchUp([ledger], minPosition);
    return ledger;
  }
}
