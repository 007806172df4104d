import {
  Inject,
  Injectable,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import type { EventLog } from '@bailiwick/event-store/port';
import { EveryLog } from '@bailiwick/messaging/log-follower/every-log';
import { followDecisions } from '@bailiwick/platform/priority';
import { EVENT_LOG, WARN, type Warn } from '../connections/tokens';
import { LogLedgerFactory } from './log-ledger.factory';
import { LogLedgers } from './log-ledgers';

/** Follows every log from the start of the application to its shutdown. */
@Injectable()
export class FollowerService implements OnModuleInit, OnModuleDestroy, OnApplicationShutdown {
  private readonly everyLog: EveryLog;

  constructor(
    private readonly ledgers: LogLedgers,
    factory: LogLedgerFactory,
    @Inject(EVENT_LOG) eventlog: Pick<EventLog, 'listLogs'>,
    @Inject(WARN) warn: Warn,
  ) {
    this.everyLog = new EveryLog({
      list: () => eventlog.listLogs(),
      follow: (log) => {
        const ledger = factory.create(log);
        ledger.start();
        ledgers.add(ledger);
      },
      onError: (error) => warn('the list of logs could not be read', error),
    });
  }

  async onModuleInit(): Promise<void> {
    followDecisions();
    await this.everyLog.start();
  }

  onModuleDestroy(): void {
    this.everyLog.stop();
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.ledgers.all().map((ledger) => ledger.stop()));
  }
}
