import type { EventLog } from './port';
import { appendContract } from './testing/append.contract';
import { leaseContract } from './testing/lease.contract';
import { Logs } from './testing/logs';
import { readContract } from './testing/read.contract';

/**
 * Everything that whoever uses an event log may rely on. Each adapter passes it; each test has logs of its own.
 * @param makeAdapters of one store, as several services have it
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
