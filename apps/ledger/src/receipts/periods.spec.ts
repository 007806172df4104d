import fc from 'fast-check';
import { act, ROOMY } from '@bailiwick/authority/testing/harness';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { RECEIPT_IN_PARTS, type Envelope, type Period, type Predicate } from '@bailiwick/contracts/receipts/receipt';
import { rfc3339, systemClock } from '@bailiwick/core/clock';
import { readUnverified } from '@bailiwick/receipts/envelope';
import { longLogs, periodsOf } from '@bailiwick/receipts/testing/long-log';
import { brokenAt, SealedLog, statementOf } from '@bailiwick/receipts/testing/sealed-log';
import { verifyReceipt } from '@bailiwick/receipts/verify';
import type { LogLedger } from '../follower/log-ledger';
import { Bench, KEY } from '../testing/bench';
import { partOf, receiptOf, type Bounds } from './receipts';

fc.configureGlobal({ seed: 20260172 });

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
}, 120_000);
afterAll(() => bench.close());
beforeEach(() => bench.reset());

const HOUR = 3_600_000;
const at = (log: SealedLog, ms: number): string => rfc3339(log.now + ms);
const claimsIn = (envelope: unknown): Omit<Predicate, 'events'> => {
  const { events: _, ...claims } = readUnverified(envelope).predicate;
  return claims as Omit<Predicate, 'events'>;
};
const wanted = (log: SealedLog, runId: string, period: Period): unknown => {
  const { events: _, ...claims } = statementOf(log, runId, period).predicate;
  return JSON.parse(JSON.stringify(claims));
};

/** A run with a renewed lease that acts once a minute for some hours. */
function busyHours(hours: number): { log: SealedLog; runId: string } {
  const log = new SealedLog();
  const { runId, grantId } = log.open({
    ...ROOMY,
    budget: { calls: 9_000, reads: 9_000 },
    time: { ttl: '20m', renewUntil: '7d' },
  });
  for (let minute = 0; minute < hours * 60; minute += 1) {
    if (minute % 10 === 9) log.do('renew', { grantId });
    const { actionId } = act(log, grantId, 'file.read');
    log.now += HOUR / 60;
    log.do('settle', { actionId: actionId as string, outcome: { status: 'completed' } });
  }
  return { log, runId };
}

describe('the receipt of a period', () => {
  it('claims the same as one from all events of the log, for the runs of random logs', async () => {
    await fc.assert(
      fc.asyncProperty(longLogs(40), fc.array(fc.nat(10_000), { minLength: 1, maxLength: 3 }), async (log, shares) => {
        await bench.reset();
        const ledger = bench.start();
        await bench.feed(ledger, log);
        for (const id of [...log.state.runs.keys()].slice(0, 3)) {
          const opened = log.state.runs.get(id)?.startedAt ?? 0;
          for (const period of periodsOf(log, shares).filter(({ until }) => Date.parse(until) > opened)) {
            const envelope = await receiptOf(ledger, bench, KEY, { id, period });
            expect(brokenAt(verifyReceipt(envelope, ledger.vkey))).toBe('');
            expect(claimsIn(envelope)).toEqual(wanted(log, id, period));
          }
        }
      }),
      { numRuns: 12 },
    );
  }, 120_000);

  it('stays byte for byte the same once the period is over, except for the proofs', async () => {
    const { log, runId } = busyHours(4);
    const ledger = bench.start();
    await bench.feed(ledger, log, 300);
    const period = { from: '2026-01-01T01:00:00.000Z', until: '2026-01-01T02:00:00.000Z' };
    const first = await receiptOf(ledger, bench, KEY, { id: runId, period });
    await bench.feed(ledger, log);
    const again = await receiptOf(ledger, bench, KEY, { id: runId, period });
    const withoutProofs = (envelope?: Envelope): string =>
      Buffer.from(envelope?.payload ?? '', 'base64')
        .toString()
        .replace(/"proof":"[^"]*"/g, '');
    expect(withoutProofs(again)).toBe(withoutProofs(first));
    expect(claimsIn(first)).toMatchObject({ period, spent: { calls: 60 } });
    expect(claimsIn(first).period).not.toHaveProperty('open');
  });

  it('reads little more than the events of the period', async () => {
    const { log, runId } = busyHours(30);
    const ledger = bench.start();
    await bench.feed(ledger, log);
    let read = 0;
    const counted = async <T>(found: Promise<T[]>): Promise<T[]> => {
      read += (await found).length;
      return found;
    };
    const eventlog = Object.create(bench.eventlog) as typeof bench.eventlog;
    eventlog.search = (filter) => counted(bench.eventlog.search(filter));
    eventlog.at = (name, positions) => counted(bench.eventlog.at(name, positions));
    const period = { from: '2026-01-02T01:00:00.000Z', until: '2026-01-02T02:00:00.000Z' };
    const envelope = await receiptOf(ledger, { eventlog, store: bench.store }, KEY, { id: runId, period });
    expect(brokenAt(verifyReceipt(envelope, ledger.vkey))).toBe('');
    const { predicate } = readUnverified(envelope);
    expect(predicate.events.length).toBeLessThan(140);
    // those of about an hour and a half before it show what was in flight
    expect(read).toBeLessThan(500);
    expect(log.events.length).toBeGreaterThan(3_000);
  });

  it('is made in parts that verify together, also after a restart', async () => {
    const { log, runId } = busyHours(3);
    const ledger = bench.start();
    await bench.feed(ledger, log);
    const bounds: Bounds = { events: 20, bytes: 1e6, partEvents: 30 };
    const period = { from: '2026-01-01T01:00:00.000Z', until: '2026-01-01T02:00:00.000Z' };
    const first = await receiptOf(ledger, bench, KEY, { id: runId, period, bounds });
    const { predicateType, predicate } = JSON.parse(Buffer.from(first?.payload ?? '', 'base64').toString()) as {
      predicateType: string;
      predicate: { of: { id: string; type: never; period: Period }; size: number; parts: unknown[] };
    };
    expect(predicateType).toBe(RECEIPT_IN_PARTS);
    expect(predicate.of.period).toEqual(period);
    const partsBy = async (made: LogLedger): Promise<(Envelope | undefined)[]> => {
      const parts: (Envelope | undefined)[] = [];
      for (const part of predicate.parts.keys())
        parts.push(await partOf(made, bench, KEY, { ...predicate.of, part, size: predicate.size, bounds }));
      return parts;
    };
    const parts = await partsBy(ledger);
    const verification = verifyReceipt([first, ...parts], ledger.vkey);
    expect(brokenAt(verification)).toBe('');
    const one = verifyReceipt(await receiptOf(ledger, bench, KEY, { id: runId, period }), ledger.vkey);
    expect(verification.statement?.predicate).toEqual(one.statement?.predicate);
    await bench.stop(ledger);
    const later = bench.start();
    await later.reached(log.events.length - 1);
    expect(await partsBy(later)).toEqual(parts);
  });
});

describe('a request for the receipt of a period', () => {
  const ask = (ledger: LogLedger, runId: string, period: object): Promise<Answer> =>
    bench.ask(ledger, 'receipt', { tenant: 'default', runId, period });

  it('is refused if the period ends before the run was opened, or starts in the future', async () => {
    const log = new SealedLog();
    log.now = systemClock.now() - HOUR;
    const opened = log.now;
    const { runId } = log.open();
    const ledger = bench.start();
    await bench.feed(ledger, log);
    const detail = async (from: number, until: number): Promise<unknown> => {
      const answer = await ask(ledger, runId, { from: rfc3339(from), until: rfc3339(until) });
      return answer.ok ? 'ok' : answer.refusal;
    };
    expect(await detail(opened - 2_000, opened)).toEqual({
      code: 'BAD_REQUEST',
      detail: `the period ends at ${rfc3339(opened)}, before the run was opened at ${rfc3339(opened)}; give a later \`until\``,
    });
    expect(await detail(opened + 100 * HOUR, opened + 101 * HOUR)).toMatchObject({
      code: 'BAD_REQUEST',
      detail: expect.stringMatching(
        /^the period starts at .*, in the future: it is .*; give an earlier `from`$/,
      ) as string,
    });
    expect(await detail(opened - 2_000, opened + 1)).toBe('ok');
  });

  it('is answered for a period that is not over, and the receipt states so', async () => {
    const log = new SealedLog();
    log.now = systemClock.now() - HOUR;
    const { runId, grantId } = log.open();
    act(log, grantId, 'file.read');
    const ledger = bench.start();
    await bench.feed(ledger, log);
    const period = { from: at(log, -HOUR), until: at(log, 100 * HOUR) };
    const envelope = await receiptOf(ledger, bench, KEY, { id: runId, period });
    expect(brokenAt(verifyReceipt(envelope, ledger.vkey))).toBe('');
    expect(claimsIn(envelope)).toMatchObject({ period: { ...period, open: true }, spent: { calls: 1 }, ended: null });
    expect(claimsIn(envelope).doesNotProve.join('\n')).toContain('that the period was over');
    const half = { from: at(log, -HOUR), until: at(log, HOUR / 2) };
    expect(claimsIn(await receiptOf(ledger, bench, KEY, { id: runId, period: half })).period).toEqual(half);
  });
});
