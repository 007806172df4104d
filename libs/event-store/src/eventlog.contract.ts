import type { EventLog } from './port';
import { appendContract } from './testing/append.contract';
import { leaseContract } from './testing/lease.contract';
import { Logs } from './testing/logs';
import { readContract } from './testing/read.contract';

/**
 * Tests everything that users of an event log may rely on. Every adapter passes it; each test uses separate logs.
 * @param makeAdapters several adapters of one store, as several services have them
 */
export function eventLogContract(name: string, makeAdapters: () => Promise<[EventLog, ...EventLog[]]>): void {
  describe(`the event log ${name}`, () => {
    let logs: Logs;
    beforeAll(async () => {
      logs = new Logs(await makeAdapters());
    });
    afterAll(() => Promise.all(logs.adapters.map((adapter) => adapter.close())));

    appendContract(() => logs);
    readContract(() => logs);
    leaseContract(() => logs);
  });
}
