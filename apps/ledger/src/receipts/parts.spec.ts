import { act, ROOMY } from '@bailiwick/authority/testing/harness';
import {
  ACTION_RECEIPT,
  RECEIPT_IN_PARTS,
  RUN_RECEIPT,
  TREE_RECEIPT,
  type Envelope,
  type InParts,
  type PredicateType,
} from '@bailiwick/contracts/receipts/receipt';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { LIMITS } from '@bailiwick/core/limits';
import { busyRun } from '@bailiwick/receipts/testing/busy-run';
import { brokenAt, SealedLog } from '@bailiwick/receipts/testing/sealed-log';
import { verifyReceipt } from '@bailiwick/receipts/verify';
import type { LogLedger } from '../follower/log-ledger';
import { custodyFor } from './custodies';
import { partOf, receiptOf, type Bounds } from './receipts';
import { Bench, KEY } from '../testing/bench';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
}, 120_000);
afterAll(() => bench.close());
beforeEach(() => bench.reset());

const SMALL: Bounds = { events: 5, bytes: LIMITS.receiptBytes, partEvents: 4 };

const statedIn = (envelope: Envelope | undefined): InParts => {
  const { predicateType, predicate } = JSON.parse(Buffer.from(envelope?.payload ?? '', 'base64').toString()) as {
    predicateType: string;
    predicate: InParts;
  };
  expect(predicateType).toBe(RECEIPT_IN_PARTS);
  return predicate;
};

async function partsOf(
  ledger: LogLedger,
  first: Envelope | undefined,
  bounds?: Bounds,
): Promise<(Envelope | undefined)[]> {
  const { of, size, parts } = statedIn(first);
  const made: (Envelope | undefined)[] = [];
  for (const part of parts.keys())
    made.push(await partOf(ledger, bench, KEY, { ...of, part, size, ...(bounds ? { bounds } : {}) }));
  return made;
}

describe('a receipt that is too large for one envelope', () => {
  it('is made in parts that together verify to the same claims as one envelope', async () => {
    const { log, runId } = busyRun();
    const ledger = bench.start();
    await bench.feed(ledger, log);
    const about: [PredicateType, string][] = [
      [RUN_RECEIPT, runId],
      [TREE_RECEIPT, log.last('RunOpened').treeId as string],
      [ACTION_RECEIPT, log.last('ActionPermitted').actionId as string],
    ];
    for (const [type, id] of about) {
      const first = await receiptOf(ledger, bench, KEY, { id, type, bounds: SMALL });
      const all = verifyReceipt([first, ...(await partsOf(ledger, first, SMALL))], ledger.vkey);
      expect(brokenAt(all)).toBe('');
      const one = verifyReceipt(await receiptOf(ledger, bench, KEY, { id, type }), ledger.vkey);
      expect(all.statement?.predicate).toEqual(one.statement?.predicate);
      expect(statedIn(first).parts.every(({ events }) => events <= SMALL.partEvents)).toBe(true);
    }
  });

  it('has the same parts after the log has grown and after a restart', async () => {
    const { log, runId, rootId } = busyRun();
    const ledger = bench.start();
    await bench.feed(ledger, log, 30);
    const first = await receiptOf(ledger, bench, KEY, { id: runId, type: RUN_RECEIPT, bounds: SMALL });
    const before = await partsOf(ledger, first, SMALL);
    await bench.feed(ledger, log);
    expect(rootId).not.toBe(runId);
    expect(await partsOf(ledger, first, SMALL)).toEqual(before);
    await bench.stop(ledger);
    const later = bench.start();
    await later.reached(log.events.length - 1);
    expect(await partsOf(later, first, SMALL)).toEqual(before);
    expect(brokenAt(verifyReceipt([first, ...before], later.vkey))).toBe('');
  });

  it('is made in parts if its bytes exceed the bound, and no part exceeds it', async () => {
    const { log, runId } = busyRun();
    const ledger = bench.start();
    await bench.feed(ledger, log);
    const bounds = { events: 10_000, bytes: 20_000, partEvents: 2_000 };
    const first = await receiptOf(ledger, bench, KEY, { id: runId, type: RUN_RECEIPT, bounds });
    const parts = await partsOf(ledger, first, bounds);
    expect(parts.length).toBeGreaterThan(2);
    expect(Math.max(...parts.map((each) => each?.payload.length ?? Infinity))).toBeLessThanOrEqual(bounds.bytes);
    expect(brokenAt(verifyReceipt([first, ...parts], ledger.vkey))).toBe('');
  });

  it('has only the parts, the size and the subject that it states', async () => {
    const { log, runId } = busyRun();
    const ledger = bench.start();
    await bench.feed(ledger, log);
    const { size, parts } = statedIn(
      await receiptOf(ledger, bench, KEY, { id: runId, type: RUN_RECEIPT, bounds: SMALL }),
    );
    const wrong = [
      { id: runId, part: parts.length, size },
      { id: runId, part: 0, size: size + 1 },
      { id: runId, part: 0, size: 1 },
      { id: 'run_0_none', part: 0, size },
    ];
    for (const each of wrong)
      expect(await partOf(ledger, bench, KEY, { ...each, type: RUN_RECEIPT, bounds: SMALL })).toBeUndefined();
    const ask = (more: object): Promise<Answer> => bench.ask(ledger, 'receipt', { tenant: 'default', runId, ...more });
    expect(await ask({ part: 0 })).toMatchObject({ refusal: { code: 'BAD_REQUEST' } });
    expect(await ask({ size })).toMatchObject({ refusal: { code: 'BAD_REQUEST' } });
    expect(await ask({ size, part: 999 })).toMatchObject({ refusal: { code: 'NOT_FOUND' } });
  });

  it('is made for a run with more events than one envelope may hold, as are its tree and custody', async () => {
    const log = new SealedLog();
    const budget = { calls: 100_000, reads: 100_000 };
    const { runId, grantId, treeId } = log.open({ ...ROOMY, budget });
    let actionId = '';
    while (log.events.length <= LIMITS.receiptEvents + 100) {
      actionId = act(log, grantId, 'file.read').actionId as string;
      log.do('settle', { actionId, outcome: { status: 'completed' } });
    }
    const ledger = bench.start();
    for (let to = 4_000; to < log.events.length; to += 4_000) await bench.feed(ledger, log, to);
    await bench.feed(ledger, log);
    for (const [type, id] of [
      [RUN_RECEIPT, runId],
      [TREE_RECEIPT, treeId],
    ] as const) {
      const first = await receiptOf(ledger, bench, KEY, { id, type });
      const parts = await partsOf(ledger, first);
      for (const each of [first, ...parts]) expect(each?.payload.length).toBeLessThanOrEqual(LIMITS.receiptBytes);
      const verification = verifyReceipt([first, ...parts], ledger.vkey);
      expect(brokenAt(verification)).toBe('');
      expect(verification.statement?.predicate.events).toHaveLength(log.events.length);
    }
    expect((await custodyFor(ledger, bench, actionId))?.findings).toEqual([]);
    const small = await receiptOf(ledger, bench, KEY, { id: actionId, type: ACTION_RECEIPT });
    expect(brokenAt(verifyReceipt(small, ledger.vkey))).toBe('');
  }, 240_000);
});
