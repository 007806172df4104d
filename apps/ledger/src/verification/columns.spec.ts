import { TREE_RECEIPT, ACTION_RECEIPT } from '@bailiwick/contracts/receipts/receipt';
import type { AppendEvent } from '@bailiwick/event-store/port';
import { busyRun } from '@bailiwick/receipts/testing/busy-run';
import { statementOf, type SealedLog } from '@bailiwick/receipts/testing/sealed-log';
import { verifyReceipt } from '@bailiwick/receipts/verify';
import { receiptOf } from '../receipts/receipts';
import { Bench, KEY, LOG, toAppend } from '../testing/bench';
import type { LogLedger } from '../follower/log-ledger';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
}, 120_000);
afterAll(() => bench.close());
beforeEach(() => bench.reset());

/** Returns a busy log, and an action in it that was denied. */
function denied() {
  const { log } = busyRun();
  const { runId = '', treeId = '', actionId = '', position } = log.last('ActionDenied');
  return { log, runId, treeId, actionId, at: position };
}

/** Stores a log, with columns in one row that differ from its body. */
async function stored(log: SealedLog, at: number, change: Partial<AppendEvent>): Promise<LogLedger> {
  const rows = toAppend(log).map((row) => (row.position === at ? { ...row, ...change } : row));
  const ledger = bench.start();
  await bench.eventlog.append(LOG, 0, rows);
  bench.source.announce(rows.length);
  await ledger.reached(rows.length - 1, 20_000);
  return ledger;
}

const elsewhere = 'tree_0_00000000000000000000000000';

describe('an event whose columns differ from its body', () => {
  it.each<[string, Partial<AppendEvent>]>([
    ['tree_id', { treeId: elsewhere }],
    ['tree_id', { treeId: undefined }],
    ['run_id', { runId: 'run_0_00000000000000000000000000' }],
    ['run_id', { treeId: elsewhere, runId: 'run_0_00000000000000000000000000' }],
    ['grant_id', { grantId: 'grant_0_00000000000000000000000000' }],
    ['action_id', { actionId: 'action_0_00000000000000000000000000' }],
    ['action_id', { actionId: undefined }],
    ['command_id', { commandId: 'cmd_of_another' }],
    ['type', { type: 'ActionPermitted' }],
    ['time', { time: '2031-01-01T00:00:00Z' }],
  ])('%s is found by a verification, with its position, and stays in every receipt', async (column, change) => {
    const { log, runId, treeId, actionId, at } = denied();
    const ledger = await stored(log, at, change);
    const { findings, first } = await ledger.verify();
    expect(first).toMatchObject({ check: 'body', position: at });
    expect(findings.join('\n')).toContain(`position ${at}: the column ${column} is `);
    for (const [type, id] of [
      [undefined, runId],
      [TREE_RECEIPT, treeId],
      [ACTION_RECEIPT, actionId],
    ] as const) {
      const envelope = await receiptOf(ledger, bench, KEY, { id, type });
      const { ok, statement } = verifyReceipt(envelope, ledger.vkey);
      expect([ok, statement?.predicate.events.map(({ position }) => position)]).toEqual([
        true,
        expect.arrayContaining([at]),
      ]);
    }
    const { events: _, ...claims } = statementOf(log, runId).predicate;
    expect(claims.denied.map(({ id }) => id)).toContain(actionId);
  });
});

describe('a missing payload', () => {
  it('without a recorded erasure is found, with its position, and listed as absent in the receipt', async () => {
    const { log, runId } = denied();
    const opened = log.events.findIndex((event) => event.runId === runId && event.payloadDigest !== undefined);
    const ledger = await stored(log, opened, { payload: undefined });
    const { findings } = await ledger.verify();
    expect(findings).toEqual([
      `position ${opened}: its payload is missing, and no recorded erasure reaches it (payload)`,
    ]);
    const { statement } = verifyReceipt(await receiptOf(ledger, bench, KEY, { id: runId }), ledger.vkey);
    expect(statement?.predicate.absent).toEqual([{ position: opened, type: 'RunOpened' }]);
  });
});

describe('a body that differs from the signed leaf', () => {
  it('is in no receipt: the request is refused with the position', async () => {
    const { log, runId, at } = denied();
    const ledger = bench.start();
    await bench.feed(ledger, log);
    const search = bench.eventlog.search.bind(bench.eventlog);
    bench.eventlog.search = async (filter) =>
      (await search(filter)).map((each) =>
        each.position === at ? { ...each, body: each.body.replace('"risk":"', '"risk": "') } : each,
      );
    const answer = await bench.ask(ledger, 'receipt', { tenant: 'default', runId });
    expect(answer).toMatchObject({ ok: false, refusal: { code: 'NOT_READY' } });
    expect(JSON.stringify(answer)).toContain(`position ${at} of ${LOG}`);
  });
});
