import type { Bus } from '@bailiwick/messaging/connect';
import { BusServer } from '@bailiwick/messaging/nest-transport/nest-strategy';

/** Serves the handlers; the instances of the ledger share the requests of each subject. */
export class LedgerServer extends BusServer {
  constructor(bus: Bus) {
    super({ bus, queue: 'ledger' });
  }

  /**
   * Keeps serving. Nest closes the transport before any module stops; here the bus stops its subjects when it drains,
   * after the modules, and only then: without a connection to NATS a subject cannot be closed in time.
   */
  override close(): Promise<void> {
    return Promise.resolve();
  }
}
