import { Inject, Injectable } from '@nestjs/common';
import type { EventLog } from '@bailiwick/event-store/port';
import { LedgerStore } from '../read-models/store';
import { EVENT_LOG } from './tokens';

/** The stored data that requests read: the event log and the ledger's own tables. */
@Injectable()
export class Sources {
  constructor(
    @Inject(EVENT_LOG) readonly eventlog: EventLog,
    readonly store: LedgerStore,
  ) {}
}
