import { EventEmitter, once } from 'node:events';
import { Inject, Injectable } from '@nestjs/common';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { logName, logNumberOf } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import type { EventLog } from '@bailiwick/event-store/port';
import { EVENT_LOG } from '../connections/tokens';
import { missing } from '../rpc/answers';
import { NotYet } from '../rpc/errors';
import { catchUp } from './catch-up';
import type { LogLedger } from './log-ledger';

/** The ledgers of all logs that this process follows. */
@Injectable()
export class LogLedgers {
  private readonly ledgers = new Map<string, LogLedger>();
  private readonly listeners: ((ledger: LogLedger) => void)[] = [];
  /** emits the name of a log, with its ledger, when the log is first followed */
  private readonly added = new EventEmitter().setMaxListeners(0);

  constructor(@Inject(EVENT_LOG) private readonly eventlog: Pick<EventLog, 'head' | 'listLogs'>) {}

  add(ledger: LogLedger): void {
    this.ledgers.set(ledger.state.log, ledger);
    for (const listener of this.listeners) listener(ledger);
    this.added.emit(ledger.state.log, ledger);
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

  /**
   * Returns the ledgers of a tenant (I9), ordered by log; of one log only, if `only` names it.
   * @throws NotYet for a new tenant whose log this process does not read yet
   */
  async ofTenant(tenant: string, only?: string): Promise<LogLedger[]> {
    const known = this.known(tenant, only);
    if (known.length > 0) return known;
    const logs = (await this.eventlog.listLogs(tenant)).filter((log) => only === undefined || log === only);
    await Promise.all(logs.map((log) => this.following(log)));
    return this.known(tenant, only);
  }

  private known(tenant: string, only?: string): LogLedger[] {
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
   * @throws NotYet if the ledger does not reach `minPosition` in time, or does not read the log yet
   */
  async find(tenant: string, id: string, minPosition?: number): Promise<LogLedger | undefined> {
    const log = logOf(tenant, id);
    const ledger = log === undefined ? undefined : await this.following(log);
    if (ledger && minPosition === undefined) await this.caughtUp(ledger);
    await catchUp([ledger], minPosition);
    return ledger;
  }

  /**
   * Answers that nothing has an id.
   * @throws NotYet if the ledger has not read all of the log that the id names: what it has not read may be about the id
   */
  async missing(tenant: string, id: string): Promise<Answer> {
    const ledger = await this.find(tenant, id);
    if (ledger && !(await this.caughtUp(ledger)))
      throw new NotYet(`the read models of ${ledger.state.log} are behind its end; try again`);
    return missing(id);
  }

  private async caughtUp(ledger: LogLedger): Promise<boolean> {
    return ledger.reached((await this.eventlog.head(ledger.state.log)) - 1);
  }

  /**
   * Returns the ledger of a log; undefined if the log has no events. Waits until a log that has some is followed: logs
   * are listed at intervals, and a new one may have been used already.
   * @throws NotYet if this process does not read it in time
   */
  async following(log: string): Promise<LogLedger | undefined> {
    const known = this.ledgers.get(log);
    if (known) return known;
    if ((await this.eventlog.head(log)) === 0) return undefined;
    const addedSince = this.ledgers.get(log);
    if (addedSince) return addedSince;
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), LIMITS.catchUpMs);
    try {
      const [ledger] = (await once(this.added, log, { signal: deadline.signal })) as [LogLedger];
      return ledger;
    } catch {
      throw new NotYet(`the ledger does not read ${log} yet; try again`);
    } finally {
      clearTimeout(timer);
    }
  }
}

function logOf(tenant: string, id: string): string | undefined {
  const n = logNumberOf(id);
  return n === undefined ? undefined : logName(tenant, n);
}
