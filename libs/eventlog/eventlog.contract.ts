import type { EventLog } from './port';
import { appendContract } from './testing/append.contract';
import { leaseContract } from './testing/lease.contract';
import { Logs } from './testing/logs';
import { readContract } from './testing/read.contract';

/** Everything that whoever uses an event log may rely on. Each adapter passes it; each test has logs of its own. */
export function eventLogContract(name: string, makeAdapter: () => Promise<EventLog>): void {
  describe(`the event log ${name}`, () => {
    let logs: Logs;
    beforeAll(async () => {
      logs = new Logs(await makeAdapter());
    });
    afterAll(() => logs.eventlog.close());

    appendContract(() => logs);
    readContract(() => logs);
    leaseContract(() => logs);
  });
}
