import {
  Inject,
  Injectable,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import type { EventLog } from '@bailiwick/event-store/port';
import { followDecisions } from '@bailiwick/platform/priority';
import { EVENT_LOG, WARN, type Warn } from '../connections/tokens';
import { LogLedgerFactory } from './log-ledger.factory';
import { LogLedgers } from './log-ledgers';

const NEW_LOGS_MS = 500;

/** Follows every log, including logs created later, from the start of the application to its shutdown. */
@Injectable()
export class FollowerService implements OnModuleInit, OnModuleDestroy, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly ledgers: LogLedgers,
    private readonly factory: LogLedgerFactory,
    @Inject(EVENT_LOG) private readonly eventlog: Pick<EventLog, 'listLogs'>,
    @Inject(WARN) private readonly warn: Warn,
  ) {}

  async onModuleInit(): Promise<void> {
    followDecisions();
    await this.followNewLogs();
    this.timer = setInterval(
      () => void this.followNewLogs().catch((error: unknown) => this.warn('the list of logs could not be read', error)),
      NEW_LOGS_MS,
    );
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.ledgers.all().map((ledger) => ledger.stop()));
  }

  private async followNewLogs(): Promise<void> {
    for (const log of await this.eventlog.listLogs()) {
      if (this.ledgers.has(log)) continue;
      const ledger = this.factory.create(log);
      ledger.start();
      this.ledgers.add(ledger);
    }
  }
}
