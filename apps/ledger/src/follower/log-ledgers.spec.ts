import type { LogLedger } from './log-ledger';
import { LogLedgers } from './log-ledgers';

const LOG = 'acme/0';
const RUN = `run_0_${'a'.repeat(26)}`;

/** A ledger that has read its log up to `position`, without the rest of it. */
const ledgerAt = (position: number): LogLedger =>
  ({ state: { log: LOG }, position, reached: (to: number) => Promise.resolve(to < position) }) as LogLedger;

function ledgersOver(head: number): { ledgers: LogLedgers; asked: Promise<void> } {
  let signal: () => void;
  const asked = new Promise<void>((resolve) => (signal = resolve));
  const eventlog = {
    head: (log: string): Promise<number> => {
      signal();
      return Promise.resolve(log === LOG ? head : 0);
    },
    listLogs: () => Promise.resolve([LOG]),
  };
  return { ledgers: new LogLedgers(eventlog), asked };
}

describe('the ledgers of all logs', () => {
  it('wait for a log that has events and is not followed yet', async () => {
    const { ledgers, asked } = ledgersOver(5);
    const ledger = ledgerAt(5);
    const [found, listed] = [ledgers.find('acme', RUN), ledgers.ofTenant('acme')];
    await asked;
    setImmediate(() => ledgers.add(ledger));
    expect(await found).toBe(ledger);
    expect(await listed).toEqual([ledger]);
  });

  it('find none for an id of a log that has no events', async () => {
    const { ledgers } = ledgersOver(0);
    expect(await ledgers.find('acme', RUN)).toBeUndefined();
    expect(await ledgers.find('other', RUN)).toBeUndefined();
    expect(await ledgers.missing('acme', RUN)).toMatchObject({ ok: false, refusal: { code: 'NOT_FOUND' } });
  });

  it('answer that an id is not found only if they have read its log to the end', async () => {
    const { ledgers } = ledgersOver(5);
    ledgers.add(ledgerAt(4));
    expect(await ledgers.find('acme', RUN)).toBeDefined();
    await expect(ledgers.missing('acme', RUN)).rejects.toMatchObject({ code: 'NOT_READY' });
    ledgers.add(ledgerAt(5));
    expect(await ledgers.missing('acme', RUN)).toMatchObject({ refusal: { code: 'NOT_FOUND' } });
  });
});
